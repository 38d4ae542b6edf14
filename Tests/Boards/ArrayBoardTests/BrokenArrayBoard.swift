// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import SimulatedBoard

/// A way to break the contract of `ArrayBoard`.
enum ArrayBreak: String, Sendable, CaseIterable {
    case reversedWrites
    case lostPulses
    case onePulseTooMany
    case pulsesForNone
    case unmaskedPulses
    case unmaskedWrites
    case invertedReads
    case pulsingReads
    case perfectReads
    case ignoredTrims
    case ignoredPoint
    case keptMask
    case silentAbsence
}

/// Each bit as most of the words have it.
func majority(_ words: [UInt64]) -> UInt64 {
    (0..<64).reduce(0) { bits, bit in
        let ones = words.count { $0 >> bit & 1 == 1 }
        return 2 * ones > words.count ? bits | 1 << bit : bits
    }
}

/// A simulated board whose array operations are broken in one way.
final class BrokenArrayBoard: TunableBoard, ArrayBoard {
    private let model: SimulatedArrayBoard
    private let fault: ArrayBreak

    init(_ model: SimulatedArrayBoard, _ fault: ArrayBreak) {
        self.model = model
        self.fault = fault
    }

    func open() throws(BoardError) -> BoardDescription {
        let mask = model.laneMask
        let description = try model.open()
        if fault == .keptMask { try model.setLaneMask(mask) }
        return description
    }

    func start() throws(BoardError) { model.start() }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        try model.read(into: buffer, milliseconds: milliseconds)
    }

    func stop() { model.stop() }
    func close() { model.close() }
    func interrupt() { model.interrupt() }

    func setOperatingPoint(_ point: OperatingPoint) throws(BoardError) {
        if fault != .ignoredPoint { try model.setOperatingPoint(point) }
    }

    func setTrims(_ trims: [Int16]) throws(BoardError) {
        if fault != .ignoredTrims { try model.setTrims(trims) }
    }

    func telemetry() throws(BoardError) -> BoardTelemetry { try model.telemetry() }

    func setLaneMask(_ mask: [UInt64]) throws(BoardError) {
        do throws(BoardError) { try model.setLaneMask(mask) } catch {
            if fault != .silentAbsence { throw error }
        }
    }

    func writeStates(_ states: [UInt64]) throws(BoardError) {
        switch fault {
        case .reversedWrites: try model.writeStates(states.map(\.byteSwapped))
        case .unmaskedWrites:
            try withoutMask { () throws(BoardError) in try model.writeStates(states) }
        default: try model.writeStates(states)
        }
    }

    func pulse(count: Int) throws(BoardError) {
        switch fault {
        case .lostPulses: try model.pulse(count: 0)
        case .onePulseTooMany where count < ArrayOperation.pulseLimit && count > 0:
            try model.pulse(count: count + 1)
        case .pulsesForNone: try model.pulse(count: max(count, 1))
        case .unmaskedPulses:
            try withoutMask { () throws(BoardError) in try model.pulse(count: count) }
        default: try model.pulse(count: count)
        }
    }

    func readStates() throws(BoardError) -> [UInt64] {
        let states = try model.readStates()
        switch fault {
        case .invertedReads: return states.map { ~$0 }
        case .pulsingReads: try model.pulse(count: 1)
        case .perfectReads:
            // Reads that err independently, by majority.
            let reads =
                [states] + (try (0..<20).map { _ throws(BoardError) in try model.readStates() })
            return states.indices.map { word in majority(reads.map { $0[word] }) }
        default: break
        }
        return states
    }

    private func withoutMask(_ body: () throws(BoardError) -> Void) throws(BoardError) {
        let mask = model.laneMask
        try model.setLaneMask(mask.map { _ in 0 })
        try body()
        try model.setLaneMask(mask)
    }
}
