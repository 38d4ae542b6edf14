// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import SimulatedBoard
import SoftwareUSB

/// The electronics behind endpoint 0: takes the vendor requests of MEB/1 and does what they say.
///
/// Not thread-safe.
struct RequestHandler {
    private(set) var source: FrameSource
    private let array: SimulatedArrayBoard
    private let description: BoardDescription
    private let tuning: Tuning
    private let powerUpPoint: OperatingPoint
    private var point: OperatingPoint
    private var trims: [Int16]
    private var lastRefusal = StatusRecord.Refusal.none
    private var refusals: UInt32 = 0
    /// The states that a WRITE has brought so far; nil when none is under way.
    private var written: [UInt8]?
    /// How the array operations fail; nil when they work.
    var arrayFault: BoardFault?

    private struct Refused: Error {
        let reason: StatusRecord.Refusal
        init(_ reason: StatusRecord.Refusal) { self.reason = reason }
    }

    /// - Parameters:
    ///   - array: open, with this description.
    ///   - tuning: the limits of the array.
    init(_ array: SimulatedArrayBoard, _ description: BoardDescription, _ tuning: Tuning) {
        self.array = array
        self.description = description
        self.tuning = tuning
        source = FrameSource(array, description)
        powerUpPoint = description.operatingPoint
        point = powerUpPoint
        trims = Array(repeating: 0, count: description.lanes)
    }

    /// - Returns: `done`, or a stall for a request that is refused.
    mutating func handle(
        _ setup: USBSetup, data: UnsafeMutableRawBufferPointer
    ) -> USBOutcome {
        do throws(Refused) {
            let answer = try answer(setup, data: Array(data.prefix(Int(setup.length))))
            data.copyBytes(from: answer.prefix(data.count))
            return .done(min(answer.count, data.count))
        } catch {
            lastRefusal = error.reason
            refusals &+= 1
            return .failed(.stall)
        }
    }

    /// Takes bytes on endpoint 3, and refuses those that no WRITE waits for.
    mutating func write(_ bytes: UnsafeRawBufferPointer) -> USBOutcome {
        guard let before = written, before.count + bytes.count <= description.lanes / 8 else {
            written = nil
            return .failed(.stall)
        }
        let states = before + bytes
        written = states
        if states.count == description.lanes / 8 {
            written = nil
            guard (try? put(LaneRecords.bits(parsing: states))) != nil else {
                return .failed(.stall)
            }
        }
        return .done(bytes.count)
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        source.read(into: buffer)
    }

    /// Puts everything as it is after power-up.
    mutating func reset() {
        source.stop()
        source = FrameSource(array, description)
        written = nil
        (lastRefusal, refusals) = (.none, 0)
        point = powerUpPoint
        trims = Array(repeating: 0, count: description.lanes)
        // The model refuses nothing that is within its limits while it is present.
        try? array.setOperatingPoint(point)
        try? array.setTrims(trims)
        try? array.setLaneMask(Array(repeating: 0, count: description.wordsPerShot))
    }

    private mutating func answer(
        _ setup: USBSetup, data: [UInt8]
    ) throws(Refused) -> [UInt8] {
        guard let request = BoardRequest(rawValue: setup.request) else {
            throw Refused(.unknownRequest)
        }
        if setup.isFromDevice { return try read(request, setup) }
        try write(request, setup, data)
        return []
    }

    // MARK: From the board

    private func read(_ request: BoardRequest, _ setup: USBSetup) throws(Refused) -> [UInt8] {
        switch request {
        case .getInfo: info.bytes
        case .getStatus where setup.value == 0: status.bytes
        case .getStatus: try resistances(page: Int(setup.value) - 1)
        case .operatingPoint: OperatingPointRecord(point).bytes
        case .setLaneTrim, .setLaneMask, .start, .stop, .selfTest, .reset, .array, .lanesAside:
            throw Refused(.unknownRequest)
        }
    }

    private var info: InfoRecord {
        InfoRecord(
            minorVersion: 0, firmware: SoftwareBoard.firmware, encoding: description.encoding,
            features: [
                .simulated, .operatingPoint, .laneTrim, .laneMask, .resistances, .array,
            ],
            lanes: description.lanes, maximumPayload: description.maximumPayload,
            shotsPerSecond: UInt32(description.shotsPerSecond ?? 0), tuning: tuning)
    }

    private var status: StatusRecord {
        var status = StatusRecord()
        source.fill(&status)
        status.lastRefusal = lastRefusal
        status.refusals = refusals
        if let telemetry = try? array.telemetry() {
            status.temperature = Int16((telemetry.temperatureCelsius * 100).rounded())
        }
        return status
    }

    private func resistances(page: Int) throws(Refused) -> [UInt8] {
        let first = page * BoardRequest.resistancesPerRequest
        guard first < description.lanes, let telemetry = try? array.telemetry() else {
            throw Refused(.badValue)
        }
        let lanes = telemetry.resistanceOhms.dropFirst(first)
        return LaneRecords.bytes(resistanceOhms: lanes.prefix(BoardRequest.resistancesPerRequest))
    }

    // MARK: To the board

    private mutating func write(
        _ request: BoardRequest, _ setup: USBSetup, _ data: [UInt8]
    ) throws(Refused) {
        switch request {
        case .getInfo, .getStatus, .lanesAside: throw Refused(.unknownRequest)
        case .operatingPoint: try setPoint(data)
        case .setLaneTrim: try setTrims(data, from: Int(setup.value))
        case .setLaneMask: try setMask(data)
        case .start:
            try require(data, count: 0)
            source.start()
        case .stop:
            try require(data, count: 0)
            source.stop()
        case .selfTest:
            try require(data, count: 0)
            source.beginLinkTest(frames: Int(setup.value))
        case .reset:
            try require(data, count: 0)
            reset()
        case .array: try operate(setup.value, data)
        }
    }

    private func require(_ data: [UInt8], count: Int) throws(Refused) {
        if data.count != count { throw Refused(.badLength) }
    }

    private func requireIdle() throws(Refused) {
        if source.isStreaming { throw Refused(.streaming) }
    }

    private mutating func setPoint(_ data: [UInt8]) throws(Refused) {
        try requireIdle()
        try require(data, count: OperatingPointRecord.byteCount)
        guard let record = try? OperatingPointRecord(parsing: data),
            tuning.violation(of: record.point) == nil,
            (try? array.setOperatingPoint(record.point)) != nil
        else { throw Refused(.badValue) }
        point = record.point
    }

    private mutating func setTrims(_ data: [UInt8], from lane: Int) throws(Refused) {
        guard data.count.isMultiple(of: 2), !data.isEmpty else { throw Refused(.badLength) }
        let new = LaneRecords.trims(parsing: data)
        guard lane + new.count <= trims.count, new.allSatisfy(tuning.trim.contains) else {
            throw Refused(.badValue)
        }
        trims.replaceSubrange(lane..<lane + new.count, with: new)
        guard (try? array.setTrims(trims)) != nil else { throw Refused(.badValue) }
    }

    private mutating func setMask(_ data: [UInt8]) throws(Refused) {
        try requireIdle()
        try require(data, count: description.lanes / 8)
        let mask = LaneRecords.bits(parsing: data)
        guard (try? array.setLaneMask(mask)) != nil else { throw Refused(.badValue) }
        source.setMasked(mask.reduce(0) { $0 + $1.nonzeroBitCount })
    }

    private mutating func operate(_ code: UInt16, _ data: [UInt8]) throws(Refused) {
        try requireIdle()
        switch ArrayOperation(rawValue: code) {
        case nil: throw Refused(.badValue)
        case .write:
            try require(data, count: 0)
            written = []
        case .pulse:
            try require(data, count: 4)
            guard let count = try? ArrayOperation.pulses(parsing: data),
                (try? pulse(count)) != nil
            else { throw Refused(.badValue) }
        case .read:
            try require(data, count: 0)
            guard let states = try? states() else { throw Refused(.badValue) }
            source.send(states: states)
        }
    }

    // MARK: The array, with its faults

    private func put(_ states: [UInt64]) throws(BoardError) {
        if arrayFault != .lostWrites { try array.writeStates(states) }
    }

    private func pulse(_ count: Int) throws(BoardError) {
        switch arrayFault {
        case .lostPulses: return
        case .unmaskedPulses:
            let mask = array.laneMask
            try array.setLaneMask(mask.map { _ in 0 })
            try array.pulse(count: count)
            try array.setLaneMask(mask)
        default: try array.pulse(count: count)
        }
    }

    private func states() throws(BoardError) -> [UInt64] {
        let states = try array.readStates()
        return arrayFault == .invertedReads ? states.map { ~$0 } : states
    }
}
