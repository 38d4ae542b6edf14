// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyRing
import EntropyServer
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

/// The server without its thread: the test takes its turns.
@Suite("Turns of the server")
struct ServerLoopTests {
    @Test("end when there is nothing to do, and never wait if they may not")
    func rest() throws {
        let rig = try LoopRig()
        let client = try rig.connect()
        try client.send(.read(64, grade: .full, tag: 3))
        rig.settle()
        #expect(!client.hasInput)
        #expect(rig.loop.deadline == nil)
        rig.source.put(TaggedStream.bytes(count: 64))
        rig.settle()
        #expect(try client.receiveReply()?.bytes == TaggedStream.bytes(count: 64))
        rig.loop.dispenser.checkAccounts()
    }

    @Test("close all connections once the server has to stop")
    func stop() throws {
        let rig = try LoopRig()
        let client = try rig.connect()
        try client.send(.read(64, grade: .full, tag: 3))
        rig.settle()
        rig.loop.control.stop()
        #expect(!rig.loop.turn(limit: 0))
        #expect(try client.receiveReply()?.header.status == .shuttingDown)
        #expect(try client.isEnded())
        #expect(rig.loop.dispenser.accounts.open.isEmpty)
    }

    @Test(
        "deliver each byte once, in order, whatever is sent or received in part, or would have to wait",
        arguments: 0..<20 as Range<UInt64>)
    func shortTransfers(seed: UInt64) throws {
        let generator = Mutex(TestGenerator(seed: seed))
        let rig = try LoopRig(
            calls: SocketCalls { call, count in
                guard call != .accept else { return .moved(count) }
                return generator.withLock { generator in
                    switch Int.random(in: 0..<4, using: &generator) {
                    case 0: .wouldBlock
                    case 1: .moved(min(count, Int.random(in: 1...30, using: &generator)))
                    default: .moved(Int.random(in: 1...count, using: &generator))
                    }
                }
            })
        let client = try rig.connect()
        let lengths = generator.withLock { generator in
            (0..<40).map { _ in UInt32.random(in: 1...2_000, using: &generator) }
        }
        try client.send(lengths.flatMap { EntropyRequest.read($0, grade: .full).bytes })
        var next: UInt64 = 0
        var received: [UInt8] = []
        let total = lengths.reduce(0) { $0 + 24 + Int($1) }
        while received.count < total {
            let words = rig.source.full.free / 16
            rig.source.put(TaggedStream.bytes(from: next, count: words * 16))
            next += UInt64(words)
            rig.settle()
            rig.loop.dispenser.checkAccounts()
            let count = client.inputCount(limit: total - received.count)
            received += try client.receive(count)
        }
        var bits: [UInt8] = []
        for length in lengths {
            #expect(EntropyReply(Array(received[..<24]))?.length == length)
            bits += received[24..<24 + Int(length)]
            received.removeFirst(24 + Int(length))
        }
        let isExpected = TaggedStream.bytes(count: (bits.count + 15) & ~15).starts(with: bits)
        #expect(isExpected)
    }

    @Test("close a connection whose transfers fail, and leave the bits to others")
    func brokenTransfers() throws {
        let isBroken = Flag()
        let rig = try LoopRig(
            calls: SocketCalls { call, count in
                call == .send && isBroken.isRaised ? .ended : .moved(count)
            })
        let client = try rig.connect()
        rig.settle()
        rig.source.put(TaggedStream.bytes(count: 64))
        isBroken.raise()
        try client.send(.read(64, grade: .full))
        rig.settle()
        #expect(try client.isEnded())
        #expect(rig.loop.dispenser.accounts.open.isEmpty)
        #expect(rig.source.full.available == 64)
    }
}
