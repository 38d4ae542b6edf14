// SPDX-License-Identifier: Apache-2.0

import EntropyPipeline
import EntropyProtocol
import EntropyRing
import EntropyTerms
import Glibc
import LinuxPlatform
import PlaneTestSupport
import TestSupport

/// The whole daemon between frames and clients, on one thread and in virtual time.
///
/// The pipelines and the server are the daemon's own; boards and clients are scripted. A seed decides who moves next
/// and what goes wrong: boards that are lost or fall silent, lanes that fail, socket calls that are cut short, clients
/// that die, do not read or send nonsense, threads that are late. After every step the promises are checked. The same
/// seed gives the same simulation.
package final class DaemonSimulation {
    private let seed: UInt64
    private let planted: PlantedFault?
    private let steps: Int
    private let time = VirtualTime()
    private var random: SeededGenerator
    private let directory = TemporaryDirectory()
    private let pipelines: [SimulatedPipeline]
    private let server: SimulatedServer
    private let clients: [SimulationClient]
    private var witness: Witness
    private var tally = SimulationTally()
    /// What the planted fault keeps.
    private var leaked: [Descriptor] = []

    /// - Parameter planted: a fault that is put in on purpose.
    package init(seed: UInt64, planted: PlantedFault? = nil) throws {
        self.seed = seed
        self.planted = planted
        var random = SeededGenerator(seed)
        let plan = SimulationPlan(random: &random)
        steps = plan.steps
        let bitsArrived = try Wakeup()
        let time = time
        pipelines = try plan.boards.map { board in
            // Neither a board of the simulation, nor one that is genuine.
            let label = planted == .wrongProvenance ? Provenance.replay : board.provenance
            return try SimulatedPipeline(
                board, of: plan, labelled: label, time: time, bitsArrived: bitsArrived)
        }
        let path = directory.file("entropy")
        server = try SimulatedServer(
            listener: UnixListener(path: path, mode: 0o600), sources: pipelines.map(\.source),
            bitsArrived: bitsArrived, maximumClients: plan.maximumClients,
            cutInterval: plan.cutInterval, seed: random.next(), time: time)
        clients = plan.clients.map { SimulationClient($0, path: path, seed: random.next()) }
        witness = Witness(
            pipelines.map { Witness.Subject(source: $0.source, provenance: $0.provenance) })
        self.random = random
    }

    /// Takes all steps, or those until a promise is broken. Called once.
    package func run() -> SimulationOutcome {
        for step in 0..<steps where witness.broken == nil {
            witness.step = step
            takeStep()
        }
        if witness.broken == nil { end() }
        for pipeline in pipelines { pipeline.stop() }
        server.stop()
        tally.deliveredBytes = witness.receivedCount
        tally.shortenedCalls = server.shortenedCalls
        tally.refusedClients = server.refusedClients
        return SimulationOutcome(seed: seed, broken: witness.broken, tally: tally)
    }

    // MARK: Steps

    private func takeStep() {
        guard Int.random(in: 0..<100, using: &random) >= 40 else { return moveClient() }
        let ready = pipelines.indices.filter { pipelines[$0].isReady() }
        let choices = ready.count + (server.isReady(at: time.nanoseconds) ? 1 : 0)
        guard choices > 0 else { return rest() }
        // A thread that is ready may be passed over again and again: it is late.
        let choice = Int.random(in: 0..<choices, using: &random)
        if choice < ready.count { movePipeline(ready[choice]) } else { moveServer() }
    }

    private func moveClient() {
        let index = Int.random(in: clients.indices, using: &random)
        let wasConnected = clients[index].isConnected
        clients[index].act { witness.arrived($0, at: index) }
        if wasConnected, !clients[index].isConnected { tally.deadClients += 1 }
        if planted == .leaksConnection, clients[index].isConnected { leakDescriptor() }
    }

    private func movePipeline(_ index: Int) {
        let pipeline = pipelines[index]
        let (wasOpen, wasResting, wasLost) =
            (pipeline.source.isOpen, pipeline.isResting, pipeline.isLost)
        pipeline.move()
        if wasOpen, !pipeline.source.isOpen { tally.gateClosings += 1 }
        if !wasResting, pipeline.isResting { tally.fullRings += 1 }
        if !wasLost, pipeline.isLost { tally.lostBoards += 1 }
        if planted == .opensGate { pipeline.publishWhileClosed(using: &random) }
        if planted == .deliversTwice { pipeline.publishAgain() }
        if planted == .losesWakeup, Bool.random(using: &random) { server.loseWakeup() }
        if Int.random(in: 0..<200, using: &random) == 0 {
            tally.operations += pipeline.beginOperation(using: &random) ? 1 : 0
        }
    }

    private func moveServer() {
        server.move()
        witness.serverMoved(accounts: server.accountedBytes) { pipelines[$0].mayDeliver }
    }

    /// Nobody can move but clients: checks that nobody waits in vain, and moves the time on.
    private func rest() {
        // While the server rests from accepting, a client may not have been accepted.
        for (index, client) in clients.enumerated() where server.deadline == nil {
            guard let request = client.waitingRequest,
                let count = pipelines.map({ $0.source.deliverableCount(request.grade) }).max(),
                count > 0, request.operation == .read
            else { continue }
            witness.fail(
                .progress,
                "client \(index) waits for \(request.grade), of which \(count) bytes are there")
        }
        for (index, pipeline) in pipelines.enumerated() where pipeline.waitsForSpaceInVain {
            witness.fail(.progress, "board \(index) waits for space, and its rings are empty")
        }
        let moments = pipelines.compactMap(\.deadline) + [server.deadline].compactMap { $0 }
        let later = time.nanoseconds + UInt64.random(in: 1_000...20_000_000, using: &random)
        time.advance(to: min(moments.min() ?? later, later))
    }

    /// Lets all clients take what is theirs and go, and checks that nothing of them is left.
    private func end() {
        serveAll()
        for (index, client) in clients.enumerated() {
            client.finish { witness.arrived($0, at: index) }
        }
        serveAll()
        if server.openAccounts > 0 {
            witness.fail(.leaks, "\(server.openAccounts) accounts of clients that have gone")
        }
        let left = serverSockets.count
        if left > 0 { witness.fail(.leaks, "\(left) descriptors of connections are open") }
    }

    /// Lets the server move until it has nothing more to do, within reason: it may be resting from accepting.
    private func serveAll() {
        for _ in 0..<500 {
            guard !server.isReady(at: time.nanoseconds) else {
                moveServer()
                continue
            }
            guard let deadline = server.deadline else { return }
            time.advance(to: deadline)
        }
    }

    private var serverSockets: ServerSockets { ServerSockets(path: directory.file("entropy")) }

    private func leakDescriptor() {
        guard leaked.count < 3,
            let accepted = serverSockets.descriptors.first
        else { return }
        leaked.append(Descriptor(owning: dup(accepted)))
    }
}
