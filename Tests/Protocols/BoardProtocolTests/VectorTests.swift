// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import TestSupport
import Testing

/// Sources/Protocols/Vectors/meb1-vectors.json, which scripts/make-board-vectors writes from docs/board-protocol.md,
/// without this project's codecs.
@Suite(
    "Vectors of MEB/1: the codecs against vectors made from the document; records that no board can have"
)
struct VectorTests {
    private static func bytes(_ name: String) throws -> [UInt8] { try #require(boardVectors[name]) }

    private static let info = InfoRecord(
        firmware: (1, 0), encoding: .toggles,
        features: [
            .simulated, .operatingPoint, .laneTrim, .laneMask, .resistances, .array, .lanesAside,
        ],
        lanes: 512, maximumPayload: 65536, shotsPerSecond: 1_000_000,
        tuning: Tuning(
            amplitudeMillivolts: 0...3000, pulseWidthPicoseconds: 0...9000,
            biasFieldMicrotesla: 10_000...40_000, trim: -20_000...20_000, trimLatencyShots: 1024))

    @Test("The record of information is written and read as it stands")
    func information() throws {
        let bytes = try Self.bytes("info")
        #expect(Self.info.bytes == bytes)
        #expect(try InfoRecord(parsing: bytes) == Self.info)
        for (name, minor) in [("infoOfALaterMinorVersion", 2), ("infoOfMinorVersion0", 0)] {
            var expected = Self.info
            expected.minorVersion = UInt8(minor)
            if minor == 0 { expected.features.remove(.lanesAside) }
            #expect(try InfoRecord(parsing: try Self.bytes(name)) == expected)
        }
    }

    @Test("Only a board of minor version 1 that has all that belongs to it can set lanes aside")
    func canSetLanesAside() {
        #expect(Self.info.canSetLanesAside)
        var old = Self.info
        old.minorVersion = 0
        #expect(!old.canSetLanesAside)
        for feature in [.operatingPoint, .laneTrim, .laneMask, .array, .lanesAside] as [InfoRecord.Features] {
            var lacking = Self.info
            lacking.features.remove(feature)
            #expect(!lacking.canSetLanesAside)
        }
    }

    @Test(
        "A record of information that no board can have is refused, and says which field it is",
        arguments: [
            ("infoTooShort", "63 bytes instead of 64"),
            ("infoOfAnotherMajorVersion", "it speaks MEB/2, metrngd speaks MEB/1"),
            ("infoWithAShortLength", "its length is 32"),
            ("infoWithAnUnknownEncoding", "its encoding is 2"),
            ("infoWithOddLanes", "its number of lanes is 65"),
            ("infoWithoutLanes", "its number of lanes is 0"),
            ("infoWithTooManyLanes", "its number of lanes is 4160"),
            ("infoWithALargePayload", "its largest payload is 2097152"),
            ("infoWithoutPayload", "its largest payload is 0"),
            ("infoWithAnEndlessLatency", "its trim latency is 4294967295"),
            ("infoWithTrimsTheWrongWayRound", "its smallest trim, above the largest, is 1"),
            (
                "infoWithAmplitudesTheWrongWayRound",
                "its smallest amplitude, above the largest, is 2"
            ),
        ])
    func badInformation(name: String, reason: String) throws {
        let bytes = try Self.bytes(name)
        let error = #expect(throws: RecordDefect.self) { try InfoRecord(parsing: bytes) }
        #expect(error?.description == reason)
    }

    @Test("Bytes of any kind are a record of information or are refused")
    func anyInformation() throws {
        let good = try Self.bytes("info")
        for count in 0..<good.count {
            #expect(throws: RecordDefect.self) {
                try InfoRecord(parsing: Array(good.prefix(count)))
            }
        }
        for index in good.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var bytes = good
                bytes[index] = value
                if let record = try? InfoRecord(parsing: bytes) {
                    #expect(BoardDescription.laneLimits.contains(record.lanes))
                    #expect(record.maximumPayload >= record.lanes / 8)
                }
            }
        }
    }

    @Test("The status is written and read as it stands")
    func status() throws {
        var status = StatusRecord()
        status.activity = .streaming
        status.lastRefusal = .streaming
        status.temperature = 2685
        status.lanesMasked = 3
        status.shots = 1 << 33
        status.frames = 77
        status.droppedShots = 2048
        status.refusals = 5
        #expect(status.bytes == (try Self.bytes("status")))
        #expect(try StatusRecord(parsing: try Self.bytes("status")) == status)
    }

    @Test(
        "A record that is too short, or has a code that is not there, is refused",
        arguments: [
            "statusTooShort", "statusWithAnUnknownActivity", "statusWithAnUnknownRefusal",
        ])
    func badStatus(name: String) throws {
        let bytes = try Self.bytes(name)
        #expect(throws: RecordDefect.self) { try StatusRecord(parsing: bytes) }
    }

    @Test("Operating points, trims, resistances and events are written and read as they stand")
    func others() throws {
        let point = OperatingPoint(
            amplitudeMillivolts: 1350, pulseWidthPicoseconds: 384, biasFieldMicrotesla: -20_000)
        #expect(OperatingPointRecord(point).bytes == (try Self.bytes("operatingPoint")))
        #expect(try OperatingPointRecord(parsing: try Self.bytes("operatingPoint")).point == point)
        let short = try Self.bytes("operatingPointTooShort")
        #expect(throws: RecordDefect.self) { try OperatingPointRecord(parsing: short) }
        let trims: [Int16] = [0, 1, -1, -20000]
        #expect(LaneRecords.bytes(trims: trims) == (try Self.bytes("trims")))
        #expect(LaneRecords.trims(parsing: try Self.bytes("trims")) == trims)
        let ohms: [Float] = [0, 46_000.5, 4_000_000]
        #expect(LaneRecords.bytes(resistanceOhms: ohms) == (try Self.bytes("resistances")))
        #expect(LaneRecords.resistanceOhms(parsing: try Self.bytes("resistances")) == ohms)
        #expect(BoardEvent(.overflowEnded, shot: 1 << 40).bytes == (try Self.bytes("event")))
    }

    @Test("States and numbers of pulses are written and read as they stand")
    func array() throws {
        let states: [UInt64] = [0xFEDC_BA98_7654_3210, 1 << 63 | 1]
        #expect(LaneRecords.bytes(bits: states) == (try Self.bytes("states")))
        #expect(LaneRecords.bits(parsing: try Self.bytes("states")) == states)
        let pulses = Array(try Self.bytes("pulseRequest").dropFirst(8))
        #expect(ArrayOperation.bytes(pulses: 65_536) == pulses)
        #expect(try ArrayOperation.pulses(parsing: pulses) == 65_536)
    }

    @Test("Requests for lanes aside have the numbers, values and data of the document")
    func lanesAside() throws {
        func request(_ code: BoardRequest, _ value: UInt16, _ data: [UInt8]) -> [UInt8] {
            let rest = [value, 0, UInt16(data.count)].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            return [BoardRequest.typeToBoard, code.rawValue] + rest + data
        }
        func question(_ code: BoardRequest, _ value: UInt16, _ count: Int) -> [UInt8] {
            var bytes = request(code, value, [UInt8](repeating: 0, count: count))
            bytes[0] = BoardRequest.typeFromBoard
            return Array(bytes.prefix(8))
        }
        let (states, point) = (try Self.bytes("states"), try Self.bytes("operatingPoint"))
        let pulses = ArrayOperation.bytes(pulses: 65_536)
        let expected = [
            "lanesAsideRequest": request(.lanesAside, 0, states),
            "lanesAsideQuestion": question(.lanesAside, 0, 16),
            "asidePointRequest": request(.operatingPoint, LaneSet.aside.rawValue, point),
            "asidePointQuestion": question(.operatingPoint, LaneSet.aside.rawValue, 12),
            "asideTrimsRequest": request(
                .setLaneTrim, LaneSet.aside.trimValue(firstLane: 7), try Self.bytes("trims")),
            "asideMaskRequest": request(.setLaneMask, LaneSet.aside.rawValue, states),
            "asideWriteRequest": request(.array, AsideOperation.write.rawValue, states),
            "asidePulseRequest": request(.array, AsideOperation.pulse.rawValue, pulses),
            "asideReadQuestion": question(.array, AsideOperation.read.rawValue, 16),
        ]
        for (name, bytes) in expected { #expect(try Self.bytes(name) == bytes, "\(name)") }
        for set in LaneSet.allCases {
            for lane in [0, 7, 4095] {
                let parsed = LaneSet.parse(trimValue: set.trimValue(firstLane: lane))
                #expect(parsed.set == set && parsed.firstLane == lane)
            }
        }
    }

    @Test(
        "A number of pulses that no board gives is refused",
        arguments: [
            ("pulseCountTooShort", "3 bytes instead of 4"),
            ("noPulses", "its number of pulses is 0"),
            ("tooManyPulses", "its number of pulses is 65537"),
        ])
    func badPulses(name: String, reason: String) throws {
        let bytes = try Self.bytes(name)
        let error = #expect(throws: RecordDefect.self) {
            try ArrayOperation.pulses(parsing: bytes)
        }
        #expect(error?.description == reason)
    }

    private static let headers: [(String, FrameHeader)] = [
        (
            "frame",
            FrameHeader(
                flags: .toggleEncoded, wordsPerShot: 1, sequence: 7, shots: 2, firstShot: 7168,
                temperature: 2685, lanesMasked: 2)
        ),
        (
            "frameAfterAnOverflow",
            FrameHeader(
                flags: [.toggleEncoded, .overflowBefore], wordsPerShot: 1, sequence: 8, shots: 1,
                firstShot: 9216, temperature: -500, droppedBefore: 2046)
        ),
        (
            "statesFrame",
            FrameHeader(
                flags: .last, wordsPerShot: 2, sequence: 0, shots: 1, firstShot: 0,
                temperature: 2685, lanesMasked: 3)
        ),
        (
            "linkTestFrame",
            FrameHeader(
                flags: [.pattern, .toggleEncoded, .last], wordsPerShot: 2, sequence: 2, shots: 8,
                firstShot: 16, temperature: 0)
        ),
    ]

    @Test("Frames are written and read as they stand, and their checksums hold", arguments: headers)
    func frames(name: String, header: FrameHeader) throws {
        let bytes = try Self.bytes(name)
        let (read, holds) = try bytes.withUnsafeBytes { frame in
            (try FrameHeader(parsing: frame), FrameHeader.checksumHolds(for: frame))
        }
        #expect(read == header && holds)
        var written = bytes
        written.withUnsafeMutableBytes { frame in
            UnsafeMutableRawBufferPointer(rebasing: frame[..<FrameHeader.byteCount])
                .initializeMemory(as: UInt8.self, repeating: 0xAA)
            header.write(to: frame)
        }
        #expect(written == bytes)
    }

    @Test("The payload of a link test is told from one with any bit changed")
    func linkTest() throws {
        var payload = Array(try Self.bytes("linkTestFrame")[FrameHeader.byteCount...])
        let first: UInt64 = 32
        #expect(
            payload.withUnsafeBytes { LinkTestPattern.firstError(in: $0, firstWord: first) } == nil)
        var made = [UInt8](repeating: 0, count: payload.count)
        made.withUnsafeMutableBytes { LinkTestPattern.fill($0, firstWord: first) }
        #expect(made == payload)
        for bit in 0..<8 * payload.count {
            payload[bit / 8] ^= 1 << (bit % 8)
            let error = payload.withUnsafeBytes {
                LinkTestPattern.firstError(in: $0, firstWord: first)
            }
            #expect(error == bit / 8)
            payload[bit / 8] ^= 1 << (bit % 8)
        }
    }
}
