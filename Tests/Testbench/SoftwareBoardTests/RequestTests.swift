// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics
import SimulatedBoard
import SoftwareBoard
import SoftwareUSB
import TestSupport
import Testing

/// A software board, asked without a cable.
struct AskedBoard {
    let board: SoftwareBoard

    init(lanes: Int = 128, minorVersion: UInt8 = 1) throws {
        let array = try SimulatedArrayBoard(
            name: "asked", lanes: lanes, settings: SimulatedArraySettings(.quarterPeriod),
            shotsPerFrame: 16, seed: .fixed(1))
        board = try SoftwareBoard(
            array, serial: "ASKED", speed: .high, minorVersion: minorVersion)
    }

    func get(_ code: UInt8, value: UInt16 = 0, count: Int) -> [UInt8]? {
        var data = [UInt8](repeating: 0, count: count)
        let setup = USBSetup(
            requestType: 0xC1, request: code, value: value, index: 0, length: UInt16(count))
        let outcome = data.withUnsafeMutableBytes { board.control(setup, data: $0) }
        guard case .done(let got) = outcome else { return nil }
        return Array(data.prefix(got))
    }

    /// - Returns: whether the board did it.
    @discardableResult
    func set(_ code: UInt8, value: UInt16 = 0, _ bytes: [UInt8] = []) -> Bool {
        var data = bytes
        let setup = USBSetup(
            requestType: 0x41, request: code, value: value, index: 0, length: UInt16(bytes.count))
        return data.withUnsafeMutableBytes { board.control(setup, data: $0) } == .done(0)
    }

    func status() throws -> StatusRecord {
        try StatusRecord(parsing: try #require(get(0x02, count: 32)))
    }

    /// Makes a request of the vectors: a set-up packet with its data.
    func make(_ request: [UInt8]?) throws -> Bool {
        let request = try #require(request)
        #expect(request[0] == 0x41 && Int(request[6]) + Int(request[7]) << 8 == request.count - 8)
        let value = UInt16(request[2]) | UInt16(request[3]) << 8
        return set(request[1], value: value, Array(request.dropFirst(8)))
    }

    /// Sends states, as after a WRITE.
    func write(_ states: [UInt8]) -> USBOutcome {
        states.withUnsafeBytes { board.write(endpoint: 0x03, $0) }
    }

    /// The next bytes of the stream, at most so many; none when the board has nothing.
    func read(_ count: Int) -> [UInt8] {
        var data = [UInt8](repeating: 0, count: count)
        let outcome = data.withUnsafeMutableBytes { board.read(endpoint: 0x81, into: $0) }
        guard case .done(let got) = outcome else { return [] }
        return Array(data.prefix(got))
    }

    /// The next frame of so many bytes of payload.
    func frame(payload: Int) throws -> (header: FrameHeader, payload: [UInt8]) {
        let bytes = read(FrameHeader.byteCount + payload)
        let header = try bytes.withUnsafeBytes { bytes in
            #expect(FrameHeader.checksumHolds(for: bytes))
            return try FrameHeader(parsing: bytes)
        }
        return (header, Array(bytes.dropFirst(FrameHeader.byteCount)))
    }
}

@Suite(
    "Requests to a software board: every request, every refusal with its reason, the link test, the array by itself"
)
struct RequestTests {
    @Test("It says what it is, and that it is simulated")
    func information() throws {
        let asked = try AskedBoard()
        let info = try InfoRecord(parsing: try #require(asked.get(0x01, count: 256)))
        #expect(info.lanes == 128 && info.encoding == .toggles && info.maximumPayload == 256)
        #expect(info.features.contains([.simulated, .operatingPoint, .laneTrim, .array]))
        #expect(asked.get(0x01, count: 2) == [1, 1])
        #expect(asked.board.identity.strings[1].contains("simulated"))
    }

    @Test("Without power it forgets what it was told")
    func power() throws {
        let asked = try AskedBoard()
        let before = try #require(asked.get(0x03, count: 12))
        var record = try OperatingPointRecord(parsing: before)
        record = OperatingPointRecord(
            OperatingPoint(
                amplitudeMillivolts: record.point.amplitudeMillivolts,
                pulseWidthPicoseconds: 2 * record.point.pulseWidthPicoseconds,
                biasFieldMicrotesla: record.point.biasFieldMicrotesla))
        #expect(asked.set(0x03, record.bytes))
        #expect(asked.get(0x03, count: 12) == record.bytes)
        #expect(asked.set(0x06))
        _ = PluggedDevice(asked.board)
        #expect(asked.get(0x03, count: 12) == before)
        #expect(try asked.status().activity == .idle)
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
        "What cannot be done is refused, and the status says why",
        arguments: [
            Refusal(code: 0x0C, reason: .unknownRequest),
            Refusal(code: 0x00, isFromBoard: true, reason: .unknownRequest),
            Refusal(code: 0x06, isFromBoard: true, reason: .unknownRequest),
            Refusal(code: 0x01, reason: .unknownRequest),
            Refusal(code: 0x02, value: 2, isFromBoard: true, reason: .badValue),
            Refusal(code: 0x03, bytes: [1, 2, 3], reason: .badLength),
            Refusal(code: 0x03, bytes: [UInt8](repeating: 0xFF, count: 12), reason: .badValue),
            Refusal(code: 0x04, bytes: [1], reason: .badLength),
            Refusal(code: 0x04, reason: .badLength),
            Refusal(code: 0x04, value: 128, bytes: [0, 0], reason: .badValue),
            Refusal(code: 0x04, bytes: [0xFF, 0x7F], reason: .badValue),
            Refusal(code: 0x05, bytes: [1], reason: .badLength),
            Refusal(code: 0x06, bytes: [1], reason: .badLength),
            Refusal(code: 0x08, bytes: [1], reason: .badLength),
            Refusal(code: 0x0A, value: 9, reason: .badValue),
            Refusal(code: 0x0A, value: 2, bytes: [1], reason: .badLength),
            Refusal(code: 0x0A, value: 2, bytes: [0, 0, 0, 0], reason: .badValue),
            Refusal(code: 0x0A, value: 2, bytes: [1, 0, 1, 0], reason: .badValue),
        ])
    func refusals(refusal: Refusal) throws {
        let asked = try AskedBoard()
        if refusal.isFromBoard {
            #expect(asked.get(refusal.code, value: refusal.value, count: 32) == nil)
        } else {
            #expect(!asked.set(refusal.code, value: refusal.value, refusal.bytes))
        }
        let status = try asked.status()
        #expect(status.lastRefusal == refusal.reason && status.refusals == 1)
        #expect(asked.set(0x09))
        #expect(try asked.status().refusals == 0)
    }

    @Test(
        "While it streams some things are refused, and it goes on",
        arguments: [0x03, 0x05, 0x0A] as [UInt8])
    func streaming(code: UInt8) throws {
        let asked = try AskedBoard()
        #expect(asked.set(0x06))
        let bytes = [UInt8](repeating: 0, count: code == 0x03 ? 12 : code == 0x05 ? 16 : 0)
        #expect(!asked.set(code, value: code == 0x0A ? 3 : 0, bytes))
        #expect(try asked.status().lastRefusal == .streaming)
        #expect(try asked.status().activity == .streaming)
        #expect(try asked.frame(payload: 256).header.sequence == 0)
    }

    @Test("An operating point is set, told, and forgotten at a reset")
    func operatingPoint() throws {
        let asked = try AskedBoard()
        let before = try #require(asked.get(0x03, count: 12))
        let point = OperatingPoint(
            amplitudeMillivolts: 1200, pulseWidthPicoseconds: 500, biasFieldMicrotesla: 21_000)
        #expect(asked.set(0x03, OperatingPointRecord(point).bytes))
        #expect(asked.get(0x03, count: 12) == OperatingPointRecord(point).bytes)
        #expect(asked.set(0x09))
        #expect(asked.get(0x03, count: 12) == before)
    }

    @Test("Frames follow each other from number 0 on, and a start begins anew")
    func stream() throws {
        let asked = try AskedBoard()
        #expect(asked.read(64).isEmpty)
        #expect(asked.set(0x06))
        // A transfer that holds two frames and a part of the third.
        let first = asked.read(2 * 296 + 100)
        #expect(first.count == 2 * 296 + 100)
        let rest = asked.read(196)
        let third = try (first.suffix(100) + rest).withUnsafeBytes { bytes in
            #expect(FrameHeader.checksumHolds(for: bytes))
            return try FrameHeader(parsing: bytes)
        }
        #expect(third.sequence == 2 && third.firstShot == 32)
        let status = try asked.status()
        #expect(status.frames == 3 && status.shots == 48)
        _ = asked.read(10)
        #expect(asked.set(0x06))
        #expect(try asked.frame(payload: 256).header.firstShot == 0)
        #expect(asked.set(0x07))
        #expect(asked.read(64).isEmpty)
    }

    @Test("The link test counts its words, and ends by itself or by a stop")
    func linkTest() throws {
        let asked = try AskedBoard()
        #expect(asked.set(0x08, value: 2))
        for number in 0..<2 {
            let (header, payload) = try asked.frame(payload: 256)
            #expect(header.flags.contains(.pattern))
            #expect(header.flags.contains(.last) == (number == 1))
            let error = payload.withUnsafeBytes {
                LinkTestPattern.firstError(in: $0, firstWord: UInt64(32 * number))
            }
            #expect(error == nil)
        }
        #expect(asked.read(64).isEmpty)
        #expect(asked.set(0x08))
        for _ in 0..<100 { _ = try asked.frame(payload: 256) }
        #expect(try asked.status().activity == .linkTest)
        #expect(asked.set(0x07))
        #expect(asked.read(64).isEmpty)
    }

    @Test("Masked devices give zeros, and frames and status count them")
    func mask() throws {
        let asked = try AskedBoard()
        var mask = [UInt8](repeating: 0, count: 16)
        mask[0] = 0xFF
        mask[15] = 0x80
        #expect(asked.set(0x05, mask))
        #expect(asked.set(0x06))
        let (header, payload) = try asked.frame(payload: 256)
        #expect(header.lanesMasked == 9)
        for row in 0..<16 {
            #expect(payload[16 * row] == 0 && payload[16 * row + 15] & 0x80 == 0)
        }
        #expect(payload.contains { $0 != 0 })
        #expect(try asked.status().lanesMasked == 9)
    }

    @Test("States are written, pulsed and read")
    func array() throws {
        let asked = try AskedBoard()
        func read() throws -> [UInt8] {
            #expect(asked.set(0x0A, value: 3))
            let (header, payload) = try asked.frame(payload: 16)
            #expect(header.flags == .last && header.shots == 1)
            return payload
        }
        let states = (0..<16).map { UInt8(17 * $0) }
        #expect(asked.set(0x0A, value: 1))
        let outcomes = [states[..<10], states[10...]].map { asked.write(Array($0)) }
        #expect(outcomes == [.done(10), .done(6)])
        #expect(try read() == states)
        #expect(asked.set(0x0A, value: 2, [1, 0, 0, 0]))
        // A pulse of a quarter period switches about half of the devices.
        let changed = zip(try read(), states).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
        #expect((32...96).contains(changed))
        #expect(asked.write(states) == .failed(.stall))
    }

    @Test("The requests of the vectors write, pulse and read the array, but for masked devices")
    func arrayVectors() throws {
        let asked = try AskedBoard()
        let states = try #require(boardVectors["states"])
        func write(_ states: [UInt8]) throws {
            #expect(try asked.make(boardVectors["writeRequest"]))
            #expect(asked.write(states) == .done(16))
        }
        func read() throws -> (header: FrameHeader, payload: [UInt8]) {
            #expect(try asked.make(boardVectors["readRequest"]))
            return try asked.frame(payload: 16)
        }
        try write(states)
        #expect(try asked.make(boardVectors["laneMaskRequest"]))
        try write([UInt8](repeating: 0, count: 16))
        #expect(try asked.make(boardVectors["pulseRequest"]))
        let (header, payload) = try read()
        // The mask has the same bits as the states.
        #expect(header.flags == .last && header.lanesMasked == 34 && header.temperature == 2685)
        #expect(zip(payload, states).allSatisfy { $0 & $1 == 0 } && payload.contains { $0 != 0 })
        #expect(asked.set(0x05, [UInt8](repeating: 0, count: 16)))
        #expect(zip(try read().payload, states).allSatisfy { $0 & $1 == $1 })
        let frame = try #require(boardVectors["statesFrame"])
        #expect(try frame.withUnsafeBytes { try FrameHeader(parsing: $0) }.flags == header.flags)
    }

    @Test("A WRITE that is begun again takes only the states after it, and a reset ends one")
    func writeAgain() throws {
        let asked = try AskedBoard()
        let states = (0..<16).map { UInt8(16 * $0 + 3) }
        #expect(asked.set(0x0A, value: 1))
        #expect(asked.write([1, 2, 3, 4, 5, 6, 7, 8]) == .done(8))
        #expect(asked.set(0x0A, value: 1))
        #expect(asked.write(states) == .done(16))
        #expect(asked.set(0x0A, value: 3))
        #expect(try asked.frame(payload: 16).payload == states)
        #expect(asked.set(0x0A, value: 1))
        #expect(asked.set(0x09))
        #expect(asked.write(states) == .failed(.stall))
    }

    @Test("Trims reach the devices")
    func trims() throws {
        func ones(trim: Int16) throws -> Int {
            let asked = try AskedBoard()
            #expect(asked.set(0x04, LaneRecords.bytes(trims: [Int16](repeating: trim, count: 128))))
            #expect(asked.set(0x06))
            return try (0..<64).reduce(0) { sum, _ in
                try asked.frame(payload: 256).payload.reduce(sum) { $0 + $1.nonzeroBitCount }
            }
        }
        // 131,072 bits each: their standard deviation is 181.
        #expect(try ones(trim: 10_000) > ones(trim: -10_000) + 10_000)
    }

    @Test("Resistances are told in pages")
    func resistances() throws {
        let asked = try AskedBoard(lanes: 2048)
        let pages = try (1...2).map {
            LaneRecords.resistanceOhms(
                parsing: try #require(asked.get(0x02, value: UInt16($0), count: 4096)))
        }
        #expect(pages.map(\.count) == [1024, 1024])
        #expect(pages.joined().allSatisfy { (10_000...300_000).contains($0) })
        #expect(asked.get(0x02, value: 3, count: 4096) == nil)
    }
}
