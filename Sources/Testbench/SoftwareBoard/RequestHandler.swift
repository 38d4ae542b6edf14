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
    /// 0 for a board that cannot set lanes aside.
    private let minorVersion: UInt8
    private let powerUpPoint: OperatingPoint
    private var point: OperatingPoint
    private var trims: [Int16]
    private var aside: AsideHandler
    private var lastRefusal = StatusRecord.Refusal.none
    private var refusals: UInt32 = 0
    /// The states that a WRITE has brought so far; nil when none is under way.
    private var written: [UInt8]?
    /// How array operations and lanes aside fail; nil when they work.
    var arrayFault: BoardFault?

    /// - Parameters:
    ///   - array: open, with this description.
    ///   - tuning: the limits of the array.
    ///   - minorVersion: of MEB, 0 or 1.
    init(
        _ array: SimulatedArrayBoard, _ description: BoardDescription, _ tuning: Tuning,
        minorVersion: UInt8
    ) {
        self.array = array
        self.description = description
        self.tuning = tuning
        self.minorVersion = minorVersion
        aside = AsideHandler(array, description, tuning)
        source = FrameSource(array, description)
        powerUpPoint = description.operatingPoint
        point = powerUpPoint
        trims = Array(repeating: 0, count: description.lanes)
    }

    /// - Returns: `done`, or a stall for a request that is refused.
    mutating func handle(
        _ setup: USBSetup, data: UnsafeMutableRawBufferPointer
    ) -> USBOutcome {
        do throws(RefusedRequest) {
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
        aside.reset()
    }

    private mutating func answer(
        _ setup: USBSetup, data: [UInt8]
    ) throws(RefusedRequest) -> [UInt8] {
        guard let request = BoardRequest(rawValue: setup.request),
            request != .lanesAside || hasLanesAside
        else { throw RefusedRequest(.unknownRequest) }
        if setup.isFromDevice { return try read(request, setup) }
        try write(request, setup, data)
        return []
    }

    // MARK: From the board

    private func read(_ request: BoardRequest, _ setup: USBSetup) throws(RefusedRequest) -> [UInt8] {
        switch request {
        case .getInfo: info.bytes
        case .getStatus where setup.value == 0: status.bytes
        case .getStatus: try resistances(page: Int(setup.value) - 1)
        case .operatingPoint: try readPoint(of: try laneSet(setup.value))
        case .lanesAside: try readLanesAside(setup.value)
        case .array where hasLanesAside && setup.value == AsideOperation.read.rawValue:
            try readAside()
        case .setLaneTrim, .setLaneMask, .start, .stop, .selfTest, .reset, .array:
            throw RefusedRequest(.unknownRequest)
        }
    }

    private var hasLanesAside: Bool { minorVersion >= 1 }

    private var info: InfoRecord {
        let features: InfoRecord.Features = [
            .simulated, .operatingPoint, .laneTrim, .laneMask, .resistances, .array,
        ]
        return InfoRecord(
            minorVersion: minorVersion, firmware: SoftwareBoard.firmware,
            encoding: description.encoding,
            features: hasLanesAside ? features.union(.lanesAside) : features,
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

    private func resistances(page: Int) throws(RefusedRequest) -> [UInt8] {
        let first = page * BoardRequest.resistancesPerRequest
        guard first < description.lanes, let telemetry = try? array.telemetry() else {
            throw RefusedRequest(.badValue)
        }
        let lanes = telemetry.resistanceOhms.dropFirst(first)
        return LaneRecords.bytes(resistanceOhms: lanes.prefix(BoardRequest.resistancesPerRequest))
    }

    // MARK: To the board

    private mutating func write(
        _ request: BoardRequest, _ setup: USBSetup, _ data: [UInt8]
    ) throws(RefusedRequest) {
        switch request {
        case .getInfo, .getStatus: throw RefusedRequest(.unknownRequest)
        case .operatingPoint: try setPoint(data, of: try laneSet(setup.value))
        case .setLaneTrim: try setTrims(data, at: setup.value)
        case .setLaneMask: try setMask(data, of: try laneSet(setup.value))
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
        case .array:
            if hasLanesAside, let operation = AsideOperation(rawValue: setup.value) {
                try operate(operation, data)
            } else {
                try operate(setup.value, data)
            }
        case .lanesAside: try setLanesAside(setup.value, data)
        }
    }

    private func require(_ data: [UInt8], count: Int) throws(RefusedRequest) {
        if data.count != count { throw RefusedRequest(.badLength) }
    }

    private func requireIdle() throws(RefusedRequest) {
        if source.isStreaming { throw RefusedRequest(.streaming) }
    }

    /// The lanes that a request is for. A board of minor version 0 looks at no value.
    private func laneSet(_ value: UInt16) throws(RefusedRequest) -> LaneSet {
        guard hasLanesAside else { return .stream }
        guard let set = LaneSet(rawValue: value) else { throw RefusedRequest(.badValue) }
        return set
    }

    private mutating func setPoint(_ data: [UInt8], of set: LaneSet) throws(RefusedRequest) {
        try set == .aside ? requireNoLinkTest() : requireIdle()
        try require(data, count: OperatingPointRecord.byteCount)
        guard let new = try? OperatingPointRecord(parsing: data).point,
            tuning.violation(of: new) == nil
        else { throw RefusedRequest(.badValue) }
        if set == .aside { return try aside.setPoint(new) }
        guard (try? array.setOperatingPoint(new)) != nil else { throw RefusedRequest(.badValue) }
        point = new
    }

    private mutating func setTrims(_ data: [UInt8], at value: UInt16) throws(RefusedRequest) {
        let (set, lane) =
            hasLanesAside ? LaneSet.parse(trimValue: value) : (.stream, Int(value))
        if set == .aside { try requireNoLinkTest() }
        guard data.count.isMultiple(of: 2), !data.isEmpty else { throw RefusedRequest(.badLength) }
        let new = LaneRecords.trims(parsing: data)
        guard lane + new.count <= trims.count, new.allSatisfy(tuning.trim.contains) else {
            throw RefusedRequest(.badValue)
        }
        if set == .aside { return try aside.setTrims(new, from: lane) }
        trims.replaceSubrange(lane..<lane + new.count, with: new)
        guard (try? array.setTrims(trims)) != nil else { throw RefusedRequest(.badValue) }
    }

    private mutating func setMask(_ data: [UInt8], of set: LaneSet) throws(RefusedRequest) {
        if set == .aside {
            try requireNoLinkTest()
            return try aside.setMask(data)
        }
        try requireIdle()
        try require(data, count: description.lanes / 8)
        let mask = LaneRecords.bits(parsing: data)
        guard (try? array.setLaneMask(mask)) != nil else { throw RefusedRequest(.badValue) }
    }

    private mutating func operate(_ code: UInt16, _ data: [UInt8]) throws(RefusedRequest) {
        try requireIdle()
        switch ArrayOperation(rawValue: code) {
        case nil: throw RefusedRequest(.badValue)
        case .write:
            try require(data, count: 0)
            written = []
        case .pulse:
            try require(data, count: 4)
            guard let count = try? ArrayOperation.pulses(parsing: data),
                (try? pulse(count)) != nil
            else { throw RefusedRequest(.badValue) }
        case .read:
            try require(data, count: 0)
            guard let states = try? states() else { throw RefusedRequest(.badValue) }
            source.send(states: states)
        }
    }

    // MARK: Lanes aside

    private func requireNoLinkTest() throws(RefusedRequest) {
        if source.isTestingLink { throw RefusedRequest(.streaming) }
    }

    private func readPoint(of set: LaneSet) throws(RefusedRequest) -> [UInt8] {
        if set == .aside { try requireNoLinkTest() }
        return OperatingPointRecord(set == .aside ? aside.point : point).bytes
    }

    private func readLanesAside(_ value: UInt16) throws(RefusedRequest) -> [UInt8] {
        guard value == 0 else { throw RefusedRequest(.badValue) }
        try requireNoLinkTest()
        return LaneRecords.bytes(bits: aside.lanes)
    }

    private mutating func setLanesAside(
        _ value: UInt16, _ data: [UInt8]
    ) throws(RefusedRequest) {
        guard value == 0 else { throw RefusedRequest(.badValue) }
        try requireNoLinkTest()
        try aside.setLanes(data, isLost: arrayFault == .lostLanes)
        if arrayFault == .endedStream { source.stop() }
    }

    private func readAside() throws(RefusedRequest) -> [UInt8] {
        try requireNoLinkTest()
        return try aside.read(fault: arrayFault)
    }

    private func operate(_ operation: AsideOperation, _ data: [UInt8]) throws(RefusedRequest) {
        try requireNoLinkTest()
        switch operation {
        case .write: try aside.write(data, fault: arrayFault)
        case .pulse: try aside.pulse(data, fault: arrayFault)
        case .read: throw RefusedRequest(.unknownRequest)
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
