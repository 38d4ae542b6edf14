// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import EntropyServer
import Glibc
import LinuxPlatform
import Synchronization
import TestSupport

/// The entropy server, whose turns the simulation takes.
final class SimulatedServer {
    private let loop: EntropyServerLoop
    private let cuts: ShortenedCalls
    private let bitsArrived: Wakeup

    init(
        listener: UnixListener, sources: [EntropySource], bitsArrived: Wakeup, maximumClients: Int,
        cutInterval: Int, seed: UInt64, time: VirtualTime
    ) throws {
        let cuts = ShortenedCalls(interval: cutInterval, seed: seed)
        self.cuts = cuts
        self.bitsArrived = bitsArrived
        loop = try EntropyServerLoop(
            EntropyServer.Parts(
                listener: listener, sources: sources, bitsArrived: bitsArrived,
                clock: time.clock, calls: SocketCalls(faults: cuts.allowance),
                info: { Array(#"{"simulation":true}"#.utf8) }),
            maximumClients: maximumClients)
    }

    /// Whether the thread of the server would take a turn now.
    func isReady(at now: UInt64) -> Bool {
        loop.hasEvents || loop.deadline.map { $0 <= now } ?? false
    }

    /// When a turn is due though nothing happens, in nanoseconds; nil for never.
    var deadline: UInt64? { loop.deadline }

    func move() {
        _ = loop.turn(limit: 0)
        loop.dispenser.checkAccounts()
    }

    func stop() {
        loop.control.stop()
        while loop.turn(limit: 0) {}
    }

    /// Bytes in the accounts of all clients that there ever were.
    var accountedBytes: Int { loop.dispenser.accounts.delivered }
    var openAccounts: Int { loop.dispenser.accounts.open.count }
    var shortenedCalls: Int { cuts.count }
    var refusedClients: Int { loop.control.refused.load(ordering: .relaxed) }

    // MARK: Planted faults

    func loseWakeup() { bitsArrived.clear() }
}

/// Cuts calls on sockets short at random.
private final class ShortenedCalls: Sendable {
    private let interval: Int
    private let state: Mutex<(random: SeededGenerator, count: Int)>

    init(interval: Int, seed: UInt64) {
        self.interval = interval
        state = Mutex((SeededGenerator(seed), 0))
    }

    var count: Int { state.withLock { $0.count } }

    func allowance(_ call: SocketCalls.Call, _ count: Int) -> Transfer {
        state.withLock { state in
            guard Int.random(in: 0..<interval, using: &state.random) == 0 else {
                return .moved(count)
            }
            state.count += 1
            switch (call, Int.random(in: 0..<8, using: &state.random)) {
            case (.accept, 0): return .ended
            case (_, 1): return .ended
            case (.accept, _): return .moved(count)
            case (_, 2..<4): return .wouldBlock
            default: return .moved(Int.random(in: 1...count, using: &state.random))
            }
        }
    }
}
