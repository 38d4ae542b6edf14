// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import ControlInterface
import ControlTestSupport
import LinuxPlatform
import Synchronization
import TestSupport
import Testing
import Varlink

@Suite(
    "Watches of many clients: one status a tick, and connections that are kept free of watches",
    .timeLimit(.minutes(5)))
struct WatchTests {
    private static let millisecond: UInt64 = 1_000_000

    /// A control service whose time the test moves, and the sessions of the clients that watch.
    private final class Rig {
        let provider = FakeProvider(
            boards: ["left", "right"].map { name in
                var board = Samples.board
                board.name = name
                return board
            })
        private let time = Tally()
        private let service: VarlinkService
        private var sessions: [VarlinkSession] = []

        init() {
            let clock = Clock(
                monotonicNanoseconds: { [time] in UInt64(time.value) }, secondsSinceEpoch: { 0 })
            service = VarlinkService(
                VarlinkServiceInfo(vendor: "metrng", product: "fake", version: "1", url: ""),
                [ControlService(provider, FakeOperator(), clock: clock)])
        }

        private var now: UInt64 { UInt64(time.value) }

        /// Adds a client, and gives its first reply.
        func watch(_ parameters: String) throws -> String {
            var session = VarlinkSession(requestLimit: 200)
            let call = #"{"method":"org.metrng.Control.Watch","more":true,"parameters":\#(parameters)}"#
            session.received(Array(call.utf8) + [0])
            guard case .call(let message) = session.step() else { return "" }
            let peer = PeerCredentials(processID: 1, userID: 7, groupID: 7)
            let answer = try service.answer(message, from: peer, with: nil)
            try session.answer(answer, wantsMore: true, now: now)
            sessions.append(session)
            return try #require(try replies(to: sessions.count - 1..<sessions.count).first)
        }

        /// Ends the watch that was begun last.
        func endLast() { sessions.removeLast() }

        /// Lets time pass; the replies that have become due.
        func pass(milliseconds: UInt64) throws -> [String] {
            time.add(Int(milliseconds * millisecond))
            return try replies(to: sessions.indices)
        }

        private func replies(to range: Range<Int>) throws -> [String] {
            try range.compactMap { index in
                try sessions[index].advanceStream(now: now)
                let output = sessions[index].output
                sessions[index].sent(output.count)
                return output.isEmpty ? nil : String(decoding: output.dropLast(), as: UTF8.self)
            }
        }
    }

    @Test("Watches of different phases share one status in each tick of 100 ms")
    func onePerTick() throws {
        let rig = Rig()
        for _ in 0..<24 {
            _ = try rig.watch(#"{"intervalSeconds":0.1}"#)
            _ = try rig.pass(milliseconds: 4)
        }
        _ = try rig.pass(milliseconds: 4)
        let before = rig.provider.statusCount.load(ordering: .relaxed)
        var replies: [String] = []
        for _ in 0..<250 { replies += try rig.pass(milliseconds: 4) }
        #expect(replies.count == 240)
        #expect(rig.provider.statusCount.load(ordering: .relaxed) - before == 10)
    }

    @Test("The first reply of a watch is made when it is asked for, and later ones show changes within a tick")
    func fresh() throws {
        let rig = Rig()
        let whole = try rig.watch(#"{"intervalSeconds":0.1}"#)
        #expect(whole.contains("left"))
        var changed = Samples.board
        changed.name = "third"
        rig.provider.setBoards([changed])
        #expect(try rig.watch("{}").contains("third"))
        #expect(try rig.pass(milliseconds: 100).map { $0.contains("third") } == [true])
    }

    @Test("A watch of one board gets the status of that board only")
    func oneBoard() throws {
        let rig = Rig()
        _ = try rig.watch(#"{"intervalSeconds":0.1}"#)
        _ = try rig.watch(#"{"board":"right","intervalSeconds":0.1}"#)
        let replies = try rig.pass(milliseconds: 100)
        #expect(replies.map { $0.contains("left") } == [true, false])
        #expect(replies.map { $0.contains("right") } == [true, true])
    }

    @Test("A user's watches take three quarters of the connections, and an ended one makes room")
    func limit() throws {
        let rig = Rig()
        for _ in 0..<24 { _ = try rig.watch("{}") }
        #expect(throws: ControlError.tooManyWatches(limit: 24).varlink) { try rig.watch("{}") }
        rig.endLast()
        _ = try rig.watch("{}")
    }

    @Test("A user that watches on as many connections as it can is still served")
    func served() throws {
        let daemon = try FakeDaemon(maximumConnections: 4)
        let watchers = try (0..<8).map { _ in
            let peer = try RawPeer(path: daemon.path)
            peer.send(#"{"method":"org.metrng.Control.Watch","more":true}"#)
            #expect(peer.receive() != nil)
            return peer
        }
        #expect(try ControlClient(path: daemon.path).boards().count == 1)
        withExtendedLifetime(watchers) {}
    }
}
