// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyTerms
import LinuxPlatform

/// MEP/1 on a local socket: a connection for each client, in the turns of the server's thread.
final class EntropyService: LocalService {
    let parts: EntropyServer.Parts
    let dispenser: Dispenser
    let runQueue: RunQueue
    let clients: LocalServer<EntropyConnection>
    /// What a connection receives, until its session has taken it.
    let inbox: UnsafeMutableRawBufferPointer

    init(
        _ parts: EntropyServer.Parts, _ dispenser: Dispenser, _ runQueue: RunQueue,
        on poll: EventPoll, control: LocalServerControl
    ) throws(SystemError) {
        self.parts = parts
        self.dispenser = dispenser
        self.runQueue = runQueue
        parts.listener.refuseDescriptors()
        clients = try LocalServer(
            parts.listener, on: poll, control: control, idleConnections: .stay,
            clock: parts.clock, calls: parts.calls)
        inbox = .allocate(byteCount: EntropySession.inboxLimit, alignment: 16)
    }

    deinit { inbox.deallocate() }

    // MARK: LocalService

    func makeConnection(_ socket: AcceptedSocket) -> EntropyConnection {
        EntropyConnection(socket, dispenser.openAccount(for: socket.peer), of: self)
    }

    func close(_ connection: EntropyConnection) {
        connection.closed()
        dispenser.close(connection.client)
        clients.remove(connection)
    }

    func refuse(_ newcomer: Descriptor) {
        withUnsafeTemporaryAllocation(byteCount: EntropyReply.byteCount, alignment: 8) { header in
            EntropyReply.refusal(.overQuota, grade: .raw, tag: 0).write(to: header)
            _ = parts.calls.send(
                UnsafeRawBufferPointer(header), UnsafeRawBufferPointer(start: nil, count: 0),
                to: newcomer)
        }
    }
}

extension EntropyService: ClientService {
    var deadline: UInt64? { clients.deadline }

    func handle(_ event: EventPoll.Event) { clients.connection(of: event)?.ready(event) }

    func endTurn() { clients.acceptWaiting(for: self) }

    func shutDown() { for connection in clients.connections { connection.shutDown() } }
}
