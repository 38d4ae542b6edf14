// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import SimulatedBoard

/// A way to break the contract of `AsideBoard`.
enum AsideBreak: String, Sendable, CaseIterable {
    case forgottenStates
    case reversedWrites
    case lostPulses
    case onePulseTooMany
    case pulsesForNone
    case pulsesForOthers
    case pulsingReads
    case invertedReads
    case perfectReads
    case ignoredMask
    case hidingMask
    case sharedMask
    case ignoredTrims
    case sharedTrims
    case ignoredPoint
    case sharedPoint
    case keptStream
    case restartedStream
    case startClears
    case keptAside
    case keptPoint
    case silentAbsence
}

/// A simulated board whose operations on lanes aside are broken in one way. For one thread.
final class BrokenAsideBoard: AsideBoard, ArrayBoard, @unchecked Sendable {
    private let model: SimulatedArrayBoard
    private let fault: AsideBreak
    // As they were set last.
    private var aside: [UInt64] = []
    private var mask: [UInt64] = []
    private var point: OperatingPoint?
    private var isStreaming = false

    init(_ model: SimulatedArrayBoard, _ fault: AsideBreak) {
        self.model = model
        self.fault = fault
    }

    func open() throws(BoardError) -> BoardDescription {
        let kept = (aside, mask, point)
        let description = try model.open()
        aside = Array(repeating: 0, count: description.wordsPerShot)
        mask = aside
        point = nil
        if fault == .keptAside, !kept.0.isEmpty { try setLanesAside(kept.0) }
        if fault == .keptPoint, let point = kept.2 { try setAsidePoint(point) }
        return description
    }

    func start() throws(BoardError) {
        model.start()
        isStreaming = true
        if fault == .startClears { try setAsideMask(mask.map { _ in 0 }) }
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        try model.read(into: buffer, milliseconds: milliseconds)
    }

    func stop() {
        model.stop()
        isStreaming = false
    }

    func close() { model.close() }
    func interrupt() { model.interrupt() }

    // MARK: What acts on the other lanes

    func setOperatingPoint(_ point: OperatingPoint) throws(BoardError) {
        try model.setOperatingPoint(point)
    }

    func setTrims(_ trims: [Int16]) throws(BoardError) {
        try model.setTrims(trims)
        if fault == .sharedTrims { try model.setAsideTrims(trims) }
    }

    func telemetry() throws(BoardError) -> BoardTelemetry { try model.telemetry() }

    func setLaneMask(_ mask: [UInt64]) throws(BoardError) {
        try model.setLaneMask(mask)
        if fault == .sharedMask { try model.setAsideMask(mask) }
    }

    func writeStates(_ states: [UInt64]) throws(BoardError) { try model.writeStates(states) }
    func readStates() throws(BoardError) -> [UInt64] { try model.readStates() }

    func pulse(count: Int) throws(BoardError) {
        try model.pulse(count: count)
        if fault == .pulsesForOthers { try model.pulseAside(count: count) }
    }

    // MARK: AsideBoard

    func setLanesAside(_ lanes: [UInt64]) throws(BoardError) {
        aside = lanes
        try tellingAbsence { () throws(BoardError) in
            if fault != .keptStream || !isStreaming { try model.setLanesAside(lanes) }
            if fault == .forgottenStates { try model.writeAside(lanes.map { _ in 0 }) }
            if fault == .restartedStream, isStreaming { model.start() }
        }
    }

    func setAsidePoint(_ point: OperatingPoint) throws(BoardError) {
        self.point = point
        try tellingAbsence { () throws(BoardError) in
            if fault != .ignoredPoint { try model.setAsidePoint(point) }
            if fault == .sharedPoint { try model.setOperatingPoint(point) }
        }
    }

    func setAsideTrims(_ trims: [Int16]) throws(BoardError) {
        try tellingAbsence { () throws(BoardError) in
            if fault != .ignoredTrims { try model.setAsideTrims(trims) }
        }
    }

    func setAsideMask(_ mask: [UInt64]) throws(BoardError) {
        self.mask = mask
        try tellingAbsence { () throws(BoardError) in
            if fault != .ignoredMask { try model.setAsideMask(mask) }
        }
    }

    func writeAside(_ states: [UInt64]) throws(BoardError) {
        try tellingAbsence { () throws(BoardError) in
            try model.writeAside(fault == .reversedWrites ? states.map(\.byteSwapped) : states)
        }
    }

    func pulseAside(count: Int) throws(BoardError) {
        try tellingAbsence { () throws(BoardError) in
            switch fault {
            case .lostPulses: try model.pulseAside(count: 0)
            case .onePulseTooMany where count < ArrayOperation.pulseLimit && count > 0:
                try model.pulseAside(count: count + 1)
            case .pulsesForNone: try model.pulseAside(count: max(count, 1))
            default: try model.pulseAside(count: count)
            }
        }
    }

    func readAside() throws(BoardError) -> [UInt64] {
        let states = try model.readAside()
        switch fault {
        case .invertedReads: return states.map { ~$0 }
        case .pulsingReads: try model.pulseAside(count: 1)
        case .hidingMask: return states.indices.map { states[$0] & ~mask[$0] }
        case .perfectReads:
            let reads =
                [states] + (try (0..<20).map { _ throws(BoardError) in try model.readAside() })
            return states.indices.map { word in majority(reads.map { $0[word] }) }
        default: break
        }
        return states
    }

    private func tellingAbsence(_ body: () throws(BoardError) -> Void) throws(BoardError) {
        do throws(BoardError) { try body() } catch {
            if fault != .silentAbsence { throw error }
        }
    }
}
