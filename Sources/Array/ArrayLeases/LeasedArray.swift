// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import LeaseProtocol

/// The array of a board as the holders of leases use it: each sees only its own lanes, point, trims and mask.
///
/// For the pipeline's thread. After an error the board is closed, and every lease with it.
package protocol LeasedArray: AnyObject {
    /// Takes the lanes of a lease, which begins with trims 0 and without a mask.
    func add(_ lease: Lease, point: OperatingPoint) throws(BoardError)

    /// Gives the lanes of a lease back.
    func remove(_ lease: Lease) throws(BoardError)

    /// Does a command whose values are within the limits.
    ///
    /// - Returns: the states of a read, in the order of the lease; empty for all others.
    func perform(_ command: LeaseCommand, for lease: Lease) throws(BoardError) -> [UInt64]
}

/// What the client of a lease has set.
private struct LeaseSettings {
    let lanes: LeasedLanes
    var point: OperatingPoint
    /// For each lane of the board.
    var mask: [UInt64]
}

/// The lanes that a board has set aside from its stream.
///
/// The board has one point and one mask for all of them, so that these change hands with the lease whose turn it is.
package final class AsideArray: LeasedArray {
    private let board: any AsideBoard
    /// The settings of the leases, by the identity of the lease.
    private var settings: [ObjectIdentifier: LeaseSettings] = [:]
    private var aside: [UInt64]
    private var trims: [Int16]
    /// What the board has; nil when it has to be set before it is used.
    private var pointOnBoard: OperatingPoint?
    private var maskOnBoard: [UInt64]?

    /// - Parameter description: of the board, which is open and has no lanes aside.
    package init(_ board: any AsideBoard, _ description: BoardDescription) {
        self.board = board
        aside = [UInt64](repeating: 0, count: description.wordsPerShot)
        trims = [Int16](repeating: 0, count: description.lanes)
    }

    package func add(_ lease: Lease, point: OperatingPoint) throws(BoardError) {
        settings[ObjectIdentifier(lease)] = LeaseSettings(
            lanes: lease.lanes, point: point, mask: [UInt64](repeating: 0, count: aside.count))
        for word in aside.indices { aside[word] |= lease.lanes.mask[word] }
        for lane in lease.lanes.numbers { trims[lane] = 0 }
        try board.setLanesAside(aside)
        try board.setAsideTrims(trims)
        maskOnBoard = nil
    }

    package func remove(_ lease: Lease) throws(BoardError) {
        settings[ObjectIdentifier(lease)] = nil
        for word in aside.indices { aside[word] &= ~lease.lanes.mask[word] }
        maskOnBoard = nil
        try board.setLanesAside(aside)
    }

    package func perform(_ command: LeaseCommand, for lease: Lease) throws(BoardError) -> [UInt64] {
        guard var own = settings[ObjectIdentifier(lease)] else { preconditionFailure("the lease was added") }
        switch command {
        case .write(let states):
            try setMask(for: own)
            try board.writeAside(own.lanes.onBoard(states))
        case .pulse(let count):
            try setMask(for: own)
            try setPoint(own.point)
            try board.pulseAside(count: count)
        case .read: return own.lanes.ofLease(try board.readAside())
        case .trim(let values):
            for (lane, trim) in zip(own.lanes.numbers, values) { trims[lane] = trim }
            try board.setAsideTrims(trims)
        case .mask(let bits): own.mask = own.lanes.onBoard(bits)
        case .point(let point): own.point = point
        case .renew: break
        }
        settings[ObjectIdentifier(lease)] = own
        return []
    }

    private func setPoint(_ point: OperatingPoint) throws(BoardError) {
        guard pointOnBoard != point else { return }
        pointOnBoard = nil
        try board.setAsidePoint(point)
        pointOnBoard = point
    }

    /// Masks the lanes of all other leases, and what the lease's own mask says.
    private func setMask(for own: LeaseSettings) throws(BoardError) {
        let mask = aside.indices.map { aside[$0] & ~own.lanes.mask[$0] | own.mask[$0] }
        guard maskOnBoard != mask else { return }
        maskOnBoard = nil
        try board.setAsideMask(mask)
        maskOnBoard = mask
    }
}

/// The array of a board whose stream is stopped for the time of one lease.
package final class StoppedArray: LeasedArray {
    package typealias Stopped = ArrayBoard & TunableBoard

    private let board: any Stopped
    private let words: Int
    private var trims: [Int16]
    private var own: LeaseSettings?
    private var maskOnBoard: [UInt64]?

    /// - Parameter description: of the board, which is open and stopped.
    package init(_ board: any Stopped, _ description: BoardDescription) {
        self.board = board
        words = description.wordsPerShot
        trims = [Int16](repeating: 0, count: description.lanes)
    }

    package func add(_ lease: Lease, point: OperatingPoint) throws(BoardError) {
        precondition(own == nil, "the stream is stopped for one lease")
        own = LeaseSettings(lanes: lease.lanes, point: point, mask: [UInt64](repeating: 0, count: words))
        try board.setOperatingPoint(point)
        try board.setTrims(trims)
    }

    package func remove(_ lease: Lease) throws(BoardError) {
        own = nil
        try board.setLaneMask([UInt64](repeating: 0, count: words))
    }

    package func perform(_ command: LeaseCommand, for lease: Lease) throws(BoardError) -> [UInt64] {
        guard let own else { preconditionFailure("the lease was added") }
        switch command {
        case .write(let states):
            try setMask(but: own.lanes, and: own.mask)
            try board.writeStates(own.lanes.onBoard(states))
        case .pulse(let count):
            try setMask(but: own.lanes, and: own.mask)
            try board.pulse(count: count)
        case .read:
            // A masked lane would be read as 0.
            try setMask(but: own.lanes, and: [UInt64](repeating: 0, count: words))
            return own.lanes.ofLease(try board.readStates())
        case .trim(let values):
            for (lane, trim) in zip(own.lanes.numbers, values) { trims[lane] = trim }
            try board.setTrims(trims)
        case .mask(let bits): self.own?.mask = own.lanes.onBoard(bits)
        case .point(let point):
            try board.setOperatingPoint(point)
            self.own?.point = point
        case .renew: break
        }
        return []
    }

    private func setMask(but lanes: LeasedLanes, and masked: [UInt64]) throws(BoardError) {
        let mask = (0..<words).map { ~lanes.mask[$0] | masked[$0] }
        guard maskOnBoard != mask else { return }
        maskOnBoard = nil
        try board.setLaneMask(mask)
        maskOnBoard = mask
    }
}

extension LeaseCommand {
    /// Whether every value in it is within the limits.
    package func fits(_ tuning: Tuning) -> Bool {
        switch self {
        case .write, .read, .mask: true
        case .pulse(let count): (1...ArrayOperation.pulseLimit).contains(count)
        case .trim(let trims): trims.allSatisfy(tuning.trim.contains)
        case .point(let point): tuning.violation(of: point) == nil
        case .renew(let seconds): LeaseLimits.seconds.contains(seconds)
        }
    }
}
