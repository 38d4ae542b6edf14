// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import SimulatedBoard

/// The part of a board's electronics that serves the requests for lanes aside.
///
/// Not thread-safe. Every call throws the reason for which the board refuses the request.
struct AsideHandler {
    private let array: SimulatedArrayBoard
    private let description: BoardDescription
    private let tuning: Tuning
    private(set) var lanes: [UInt64]
    private(set) var point: OperatingPoint
    private var trims: [Int16]
    private var mask: [UInt64]

    /// - Parameters:
    ///   - array: open, with this description.
    ///   - tuning: the limits of the array.
    init(_ array: SimulatedArrayBoard, _ description: BoardDescription, _ tuning: Tuning) {
        self.array = array
        self.description = description
        self.tuning = tuning
        lanes = Array(repeating: 0, count: description.wordsPerShot)
        mask = lanes
        point = description.operatingPoint
        trims = Array(repeating: 0, count: description.lanes)
    }

    /// Puts everything as it is after power-up.
    mutating func reset() {
        self = AsideHandler(array, description, tuning)
        // The model refuses nothing that is within its limits while it is present.
        try? array.setLanesAside(lanes)
        try? array.setAsidePoint(point)
        try? array.setAsideTrims(trims)
        try? array.setAsideMask(mask)
    }

    /// - Parameter isLost: whether the request has no effect on the array.
    mutating func setLanes(_ data: [UInt8], isLost: Bool) throws(RefusedRequest) {
        let new = try bits(data)
        try obey { () throws(BoardError) in if !isLost { try array.setLanesAside(new) } }
        lanes = new
    }

    mutating func setPoint(_ new: OperatingPoint) throws(RefusedRequest) {
        try obey { () throws(BoardError) in try array.setAsidePoint(new) }
        point = new
    }

    /// - Parameter new: within the limits, of lanes that there are.
    mutating func setTrims(_ new: [Int16], from lane: Int) throws(RefusedRequest) {
        trims.replaceSubrange(lane..<lane + new.count, with: new)
        try obey { () throws(BoardError) in try array.setAsideTrims(trims) }
    }

    mutating func setMask(_ data: [UInt8]) throws(RefusedRequest) {
        mask = try bits(data)
        try obey { () throws(BoardError) in try array.setAsideMask(mask) }
    }

    func write(_ data: [UInt8], fault: BoardFault?) throws(RefusedRequest) {
        let states = try bits(data)
        guard fault != .lostWrites else { return }
        try obey { () throws(BoardError) in try array.writeAside(states) }
    }

    func pulse(_ data: [UInt8], fault: BoardFault?) throws(RefusedRequest) {
        guard data.count == 4 else { throw RefusedRequest(.badLength) }
        guard let count = try? ArrayOperation.pulses(parsing: data) else {
            throw RefusedRequest(.badValue)
        }
        try obey { () throws(BoardError) in
            switch fault {
            case .lostPulses: return
            case .unmaskedPulses:
                try array.setAsideMask(mask.map { _ in 0 })
                try array.pulseAside(count: count)
                try array.setAsideMask(mask)
            default: try array.pulseAside(count: count)
            }
        }
    }

    func read(fault: BoardFault?) throws(RefusedRequest) -> [UInt8] {
        guard let states = try? array.readAside() else { throw RefusedRequest(.badValue) }
        let isInverted = fault == .invertedReads
        return LaneRecords.bytes(
            bits: states.indices.map { isInverted ? ~states[$0] & lanes[$0] : states[$0] })
    }

    private func bits(_ data: [UInt8]) throws(RefusedRequest) -> [UInt64] {
        guard data.count == description.lanes / 8 else { throw RefusedRequest(.badLength) }
        return LaneRecords.bits(parsing: data)
    }

    /// Has the array do something, and refuses when it is gone.
    private func obey(_ order: () throws(BoardError) -> Void) throws(RefusedRequest) {
        do throws(BoardError) { try order() } catch { throw RefusedRequest(.badValue) }
    }
}

/// The reason for which a board refuses a request.
struct RefusedRequest: Error {
    let reason: StatusRecord.Refusal
    init(_ reason: StatusRecord.Refusal) { self.reason = reason }
}
