// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import EntropyServer
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

/// The dispenser with sinks that keep what they are given.
@Suite("A dispenser")
struct DispenserTests {
    private let sources: [EntropySource]
    private let dispenser: Dispenser

    init() throws {
        sources = try ServerRig.makeSources([.hardware, .simulated], ringBytes: 4096)
        for source in sources { source.open() }
        dispenser = Dispenser(
            sources,
            clock: Clock(monotonicNanoseconds: { 5_000_000_000 }, secondsSinceEpoch: { 77 }))
    }

    private func makeSink(_ request: BitRequest, room: Int = .max) -> CollectingSink {
        CollectingSink(dispenser.openAccount(for: somebody), request, room: room)
    }

    @Test("grants a request from the source that has most")
    func fullest() {
        #expect(dispenser.grant(waiting) == .notYet)
        sources[1].put(TaggedStream.bytes(count: 16))
        #expect(dispenser.grant(waiting) == .granted(Draw(waiting, source: 1)))
        sources[0].put(TaggedStream.bytes(count: 32))
        #expect(dispenser.grant(waiting) == .granted(Draw(waiting, source: 0)))
        sources[0].close()
        #expect(dispenser.grant(waiting) == .granted(Draw(waiting, source: 1)))
    }

    @Test("grants one that does not wait only when all of it is there")
    func notWaiting() {
        sources[0].put(TaggedStream.bytes(count: 96))
        #expect(dispenser.grant(nonBlocking) == .unavailable)
        sources[0].put(TaggedStream.bytes(count: 16))
        #expect(dispenser.grant(nonBlocking) == .granted(Draw(nonBlocking, source: 0)))
    }

    @Test("knows when bits will never come")
    func ended() {
        sources[0].put(TaggedStream.bytes(count: 16))
        sources[0].end()
        #expect(dispenser.grant(waiting) == .notYet)
        sources[1].end()
        #expect(dispenser.grant(waiting) == .unavailable)
        let sink = makeSink(waiting)
        #expect(dispenser.dispense(Draw(waiting, source: 0), to: sink) == .taken)
        #expect(dispenser.dispense(Draw(waiting, source: 0), to: sink) == .ended)
    }

    @Test("gives a sink what is there, as far as it has room, and counts it")
    func dispenses() {
        sources[0].put(TaggedStream.bytes(count: 64))
        let sink = makeSink(waiting, room: 40)
        let draw = Draw(waiting, source: 0)
        #expect(dispenser.dispense(draw, to: sink) == .sinkIsFull)
        #expect(sink.taken == Array(TaggedStream.bytes(count: 64)[..<40]))
        #expect(sources[0].full.delivered.load(ordering: .relaxed) == 40)
        #expect(sources[0].full.available == 24)
        sink.room = .max
        #expect(dispenser.dispense(draw, to: sink) == .taken)
        #expect(sink.taken == TaggedStream.bytes(count: 64))
        #expect(dispenser.dispense(draw, to: sink) == .noBits)
        #expect(sink.client.account.delivered.load(ordering: .relaxed) == 64)
        dispenser.checkAccounts()
        dispenser.close(sink.client)
        #expect(dispenser.accounts.open.isEmpty && dispenser.accounts.delivered == 64)
        dispenser.checkAccounts()
    }

    @Test("gives nothing of a source that is closed")
    func closed() {
        sources[0].put(TaggedStream.bytes(count: 64))
        let sink = makeSink(waiting)
        sources[0].close()
        #expect(dispenser.dispense(Draw(waiting, source: 0), to: sink) == .noBits)
        #expect(dispenser.dispense(Draw(nonBlocking, source: 0), to: sink) == .ended)
        #expect(sink.taken.isEmpty)
    }

    @Test("offers no more than a quantum at once, nor more than the rest of a draw")
    func quantum() throws {
        let sources = try ServerRig.makeSources([.hardware], ringBytes: 1 << 18)
        sources[0].open()
        let dispenser = Dispenser(sources, clock: .system)
        sources[0].put(TaggedStream.bytes(count: 1 << 18))
        let long = BitRequest(grade: .full, length: 1 << 18, waits: true)
        let sink = CollectingSink(dispenser.openAccount(for: somebody), long)
        #expect(dispenser.dispense(Draw(long, source: 0), to: sink) == .taken)
        #expect(sink.taken.count == Dispenser.quantum)
        #expect(dispenser.dispense(Draw(waiting, source: 0), to: sink) == .taken)
        #expect(sink.taken.count == Dispenser.quantum + waiting.length)
    }

    @Test("wakes those that wait in their order, but for those that have gone")
    func line() {
        var woken: [Int] = []
        let sinks = (0..<5).map { number in
            let sink = makeSink(waiting)
            sink.onWake = { woken.append(number) }
            return sink
        }
        for sink in sinks { dispenser.wait(sink) }
        #expect(sinks[3].client.account.waitingSince.load(ordering: .relaxed) == 5_000_000_000)
        dispenser.cancelWait(of: sinks[1].client)
        dispenser.close(sinks[4].client)
        dispenser.close(sinks[0].client)
        dispenser.wait(sinks[1])
        dispenser.prepareToSleep()
        #expect(woken.isEmpty)
        dispenser.bitsArrived()
        #expect(woken == [2, 3, 1])
        #expect(sinks.allSatisfy { !$0.client.isWaiting })
        #expect(sinks[3].client.account.waitingSince.load(ordering: .relaxed) == 0)
        dispenser.bitsArrived()
        #expect(woken == [2, 3, 1])
    }

    @Test("notices bits that arrived before the thread sleeps")
    func lateBits() {
        let sink = makeSink(waiting)
        var isWoken = false
        sink.onWake = { isWoken = true }
        dispenser.wait(sink)
        sources[1].put(TaggedStream.bytes(count: 16))
        dispenser.prepareToSleep()
        #expect(isWoken)
    }

    @Test("forgets a long line at once")
    func longLine() throws {
        weak var last: CollectingSink?
        do {
            let dispenser = Dispenser(sources, clock: .system)
            for _ in 0..<200_000 {
                let sink = CollectingSink(dispenser.openAccount(for: somebody), waiting)
                dispenser.wait(sink)
                last = sink
            }
            #expect(last != nil)
        }
        #expect(last == nil)
    }

    @Test("ends the process when a sink waits twice, or claims more than it was offered")
    func illegal() async {
        await #expect(processExitsWith: .failure) {
            let dispenser = Dispenser([], clock: .system)
            let sink = CollectingSink(dispenser.openAccount(for: somebody), waiting)
            dispenser.wait(sink)
            dispenser.wait(sink)
        }
        await #expect(processExitsWith: .failure) {
            let sources = try ServerRig.makeSources([.hardware], ringBytes: 4096)
            sources[0].open()
            sources[0].put(TaggedStream.bytes(count: 64))
            let dispenser = Dispenser(sources, clock: .system)
            let sink = CollectingSink(dispenser.openAccount(for: somebody), waiting, room: 1)
            sink.claimed = 65
            _ = dispenser.dispense(Draw(waiting, source: 0), to: sink)
        }
    }
}

private let waiting = BitRequest(grade: .full, length: 100, waits: true)
private let nonBlocking = BitRequest(grade: .full, length: 100, waits: false)
private let somebody = PeerCredentials(processID: 1, userID: 2, groupID: 3)

/// A sink that keeps what it is given, as far as it has room.
private final class CollectingSink: Sink {
    let client: DispenserClient
    var want: BitWant?
    var room: Int
    /// How many bytes it says it has taken; nil for as many as it has.
    var claimed: Int?
    var taken: [UInt8] = []
    var onWake: () -> Void = {}

    init(_ client: DispenserClient, _ request: BitRequest, room: Int = .max) {
        self.client = client
        self.room = room
        want = .grant(request)
    }

    func take(_ bits: UnsafeRawBufferPointer) -> SinkResult {
        let count = min(bits.count, room)
        taken += bits[..<count]
        return count == bits.count ? .all : .part(claimed ?? count)
    }

    func wake() { onWake() }
}
