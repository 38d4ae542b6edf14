// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics
import SimulatedBoard
import SoftwareBoard
import TestSupport
import Testing

extension AskedBoard {
    /// The answer to a question of the vectors.
    fileprivate func ask(_ question: [UInt8]?) throws -> [UInt8]? {
        let question = try #require(question)
        #expect(question[0] == 0xC1 && question.count == 8)
        return get(
            question[1], value: UInt16(question[2]) | UInt16(question[3]) << 8,
            count: Int(question[6]))
    }
}

@Suite("Requests to a software board for lanes aside: every one, every refusal, beside the stream")
struct AsideRequestTests {
    private static let none = [UInt8](repeating: 0, count: 16)
    private static let every = [UInt8](repeating: 0xFF, count: 16)

    @Test("It says that lanes can be set aside, and one of MEB/1.0 does not")
    func information() throws {
        for minor in [0, 1] as [UInt8] {
            let asked = try AskedBoard(minorVersion: minor)
            let info = try InfoRecord(parsing: try #require(asked.get(0x01, count: 64)))
            #expect(info.minorVersion == minor && info.canSetLanesAside == (minor == 1))
            #expect(info.features.contains(.lanesAside) == (minor == 1))
        }
    }

    @Test("The requests of the vectors set lanes aside, tune, mask, write, pulse and read them")
    func vectors() throws {
        let asked = try AskedBoard()
        let states = try #require(boardVectors["states"])
        #expect(try asked.ask(boardVectors["lanesAsideQuestion"]) == Self.none)
        #expect(asked.set(0x0B, Self.every))
        #expect(try asked.make(boardVectors["asideWriteRequest"]))
        #expect(try asked.ask(boardVectors["asideReadQuestion"]) == states)
        // The mask, and then the lanes aside, have the same bits as the states.
        #expect(try asked.make(boardVectors["asideMaskRequest"]))
        #expect(try asked.make(boardVectors["asideTrimsRequest"]))
        #expect(try asked.make(boardVectors["asidePulseRequest"]))
        let pulsed = try #require(try asked.ask(boardVectors["asideReadQuestion"]))
        #expect(zip(pulsed, states).allSatisfy { $0 & $1 == $1 } && pulsed != states)
        #expect(try asked.make(boardVectors["lanesAsideRequest"]))
        #expect(try asked.ask(boardVectors["lanesAsideQuestion"]) == states)
        #expect(try asked.ask(boardVectors["asideReadQuestion"]) == states)
        #expect(try asked.status().lanesMasked == 34)
        // The point of the vectors has a field outside the limits of this array.
        let before = try asked.ask(boardVectors["asidePointQuestion"])
        #expect(before == asked.get(0x03, count: 12))
        #expect(try !asked.make(boardVectors["asidePointRequest"]))
        #expect(try asked.ask(boardVectors["asidePointQuestion"]) == before)
    }

    @Test("The points of the stream and of lanes aside are told and set apart, also while it streams")
    func points() throws {
        let asked = try AskedBoard()
        let before = try #require(asked.get(0x03, count: 12))
        let point = OperatingPoint(
            amplitudeMillivolts: 1200, pulseWidthPicoseconds: 500, biasFieldMicrotesla: 21_000)
        let bytes = OperatingPointRecord(point).bytes
        #expect(asked.set(0x06))
        #expect(asked.set(0x03, value: 1, bytes))
        #expect(asked.get(0x03, value: 1, count: 12) == bytes)
        #expect(asked.get(0x03, count: 12) == before)
        #expect(asked.set(0x07) && asked.set(0x03, bytes))
        #expect(asked.set(0x09))
        #expect(asked.get(0x03, value: 1, count: 12) == before)
    }

    @Test("Frames count lanes that are masked or aside once, and have 0 for them")
    func stream() throws {
        let asked = try AskedBoard()
        var (mask, aside) = (Self.none, Self.none)
        (mask[0], mask[1]) = (0xFF, 0x0F)
        (aside[1], aside[15]) = (0xFF, 0x80)
        #expect(asked.set(0x05, mask) && asked.set(0x06))
        #expect(try asked.frame(payload: 256).header.lanesMasked == 12)
        #expect(asked.set(0x0B, aside))
        let (header, payload) = try asked.frame(payload: 256)
        #expect(header.lanesMasked == 17 && header.sequence == 1 && header.firstShot == 16)
        let hidden = zip(mask, aside).map { $0 | $1 }
        #expect(payload.indices.allSatisfy { payload[$0] & hidden[$0 % 16] == 0 })
        #expect(payload.contains { $0 != 0 })
        #expect(try asked.status().lanesMasked == 17)
        #expect(asked.set(0x0B, Self.none))
        let after = try asked.frame(payload: 256)
        #expect(after.header.lanesMasked == 12 && after.header.sequence == 2)
    }

    @Test("A reset, and the loss of power, set no lane aside and empty its sets")
    func reset() throws {
        let asked = try AskedBoard()
        #expect(asked.set(0x0B, Self.every))
        #expect(asked.set(0x05, value: 1, Self.every))
        #expect(asked.set(0x09))
        #expect(asked.get(0x0B, count: 16) == Self.none)
        #expect(try asked.status().lanesMasked == 0)
        #expect(asked.set(0x0B, Self.every))
        #expect(asked.set(0x0A, value: 0x11, Self.every))
        #expect(asked.get(0x0A, value: 0x13, count: 16) == Self.every)
    }

    /// A request that is refused.
    struct Refusal: Sendable {
        let code: UInt8
        var value: UInt16 = 0
        var bytes: [UInt8] = []
        var isFromBoard = false
        let reason: StatusRecord.Refusal
    }

    @Test(
        "What cannot be done with lanes aside is refused, and the status says why",
        arguments: [
            Refusal(code: 0x0B, bytes: [1], reason: .badLength),
            Refusal(code: 0x0B, value: 1, bytes: none, reason: .badValue),
            Refusal(code: 0x0B, value: 1, isFromBoard: true, reason: .badValue),
            Refusal(code: 0x03, value: 1, bytes: [1], reason: .badLength),
            Refusal(code: 0x03, value: 1, bytes: .init(repeating: 0xFF, count: 12), reason: .badValue),
            Refusal(code: 0x03, value: 2, isFromBoard: true, reason: .badValue),
            Refusal(code: 0x03, value: 2, bytes: .init(repeating: 0, count: 12), reason: .badValue),
            Refusal(code: 0x04, value: 0x8000, bytes: [1], reason: .badLength),
            Refusal(code: 0x04, value: 0x8080, bytes: [0, 0], reason: .badValue),
            Refusal(code: 0x04, value: 0x8000, bytes: [0xFF, 0x7F], reason: .badValue),
            Refusal(code: 0x05, value: 1, bytes: [1], reason: .badLength),
            Refusal(code: 0x05, value: 2, bytes: none, reason: .badValue),
            Refusal(code: 0x0A, value: 0x11, bytes: [1], reason: .badLength),
            Refusal(code: 0x0A, value: 0x11, isFromBoard: true, reason: .unknownRequest),
            Refusal(code: 0x0A, value: 0x12, bytes: [1], reason: .badLength),
            Refusal(code: 0x0A, value: 0x12, bytes: [0, 0, 0, 0], reason: .badValue),
            Refusal(code: 0x0A, value: 0x12, bytes: [1, 0, 1, 0], reason: .badValue),
            Refusal(code: 0x0A, value: 0x13, reason: .unknownRequest),
            Refusal(code: 0x0A, value: 0x14, reason: .badValue),
        ])
    func refusals(refusal: Refusal) throws {
        let asked = try AskedBoard()
        try Self.expect(refusal, of: asked)
    }

    private static func expect(_ refusal: Refusal, of asked: AskedBoard) throws {
        let before = try asked.status()
        if refusal.isFromBoard {
            #expect(asked.get(refusal.code, value: refusal.value, count: 32) == nil)
        } else {
            #expect(!asked.set(refusal.code, value: refusal.value, refusal.bytes))
        }
        let status = try asked.status()
        #expect(status.lastRefusal == refusal.reason && status.refusals == before.refusals + 1)
        #expect(status.activity == before.activity)
    }

    private static let possible = [
        Refusal(code: 0x0B, bytes: none, reason: .streaming),
        Refusal(code: 0x0B, isFromBoard: true, reason: .streaming),
        Refusal(code: 0x03, value: 1, bytes: .init(repeating: 0, count: 12), reason: .streaming),
        Refusal(code: 0x03, value: 1, isFromBoard: true, reason: .streaming),
        Refusal(code: 0x04, value: 0x8000, bytes: [0, 0], reason: .streaming),
        Refusal(code: 0x05, value: 1, bytes: none, reason: .streaming),
        Refusal(code: 0x0A, value: 0x11, bytes: none, reason: .streaming),
        Refusal(code: 0x0A, value: 0x12, bytes: [1, 0, 0, 0], reason: .streaming),
        Refusal(code: 0x0A, value: 0x13, isFromBoard: true, reason: .streaming),
    ]

    @Test("In the link test every request for lanes aside is refused", arguments: possible)
    func linkTest(refusal: Refusal) throws {
        let asked = try AskedBoard()
        #expect(asked.set(0x08))
        try Self.expect(refusal, of: asked)
        #expect(try asked.frame(payload: 256).header.flags.contains(.pattern))
    }

    @Test("A board of MEB/1.0 knows no lanes aside, and does all else")
    func old() throws {
        let asked = try AskedBoard(minorVersion: 0)
        for refusal in [
            Refusal(code: 0x0B, bytes: Self.none, reason: .unknownRequest),
            Refusal(code: 0x0B, isFromBoard: true, reason: .unknownRequest),
            Refusal(code: 0x04, value: 0x8000, bytes: [0, 0], reason: .badValue),
            Refusal(code: 0x0A, value: 0x11, bytes: Self.none, reason: .badValue),
            Refusal(code: 0x0A, value: 0x13, isFromBoard: true, reason: .unknownRequest),
        ] {
            try Self.expect(refusal, of: asked)
        }
        #expect(asked.set(0x05, Self.every) && asked.set(0x06))
        #expect(try asked.frame(payload: 256).header.lanesMasked == 128)
    }

    @Test("Trims reach lanes aside, and those of the stream do not")
    func trims() throws {
        func switched(stream: Int16, aside: Int16) throws -> Int {
            let asked = try AskedBoard()
            for (value, trim) in [(0x0000, stream), (0x8000, aside)] as [(UInt16, Int16)] {
                let trims = [Int16](repeating: trim, count: 128)
                #expect(asked.set(0x04, value: value, LaneRecords.bytes(trims: trims)))
            }
            #expect(asked.set(0x0B, Self.every))
            return try (0..<1024).reduce(0) { sum, _ in
                #expect(asked.set(0x0A, value: 0x11, Self.none))
                #expect(asked.set(0x0A, value: 0x12, [1, 0, 0, 0]))
                let states = try #require(asked.get(0x0A, value: 0x13, count: 16))
                return states.reduce(sum) { $0 + $1.nonzeroBitCount }
            }
        }
        // 131,072 bits each: their standard deviation is 181.
        #expect(
            try switched(stream: -10_000, aside: 10_000)
                > switched(stream: 10_000, aside: -10_000) + 10_000)
    }
}
