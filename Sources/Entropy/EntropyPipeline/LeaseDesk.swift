// SPDX-License-Identifier: Apache-2.0

import ArrayLeases
import BoardInterface
import BoardProtocol
import LaneHealth
import LeaseProtocol
import LinuxPlatform

/// The leases of an open board: which lanes are not in the stream, and the commands of those who have them.
///
/// A lane that comes back is kept out until what the board still has of the time before has passed through the stream.
/// For the pipeline's thread.
final class LeaseDesk {
    /// How many leases a board has at most.
    static let limit = 8
    /// How long the end of the daemon waits for a client to be told of it, in milliseconds.
    private static let farewell: Int32 = 100
    /// How long commands are done in one turn, in nanoseconds, so that the stream is not kept waiting.
    private static let slice: UInt64 = 10_000_000

    /// Lanes that came back, and in how many windows they are in the stream again.
    private struct Return {
        let lanes: [UInt64]
        var windows: Int
    }

    private let stream: BoardStream
    private let book: LaneBook
    private let clock: Clock
    /// What the commands act on; nil before the first lease.
    private(set) var array: (any LeasedArray)?
    private(set) var leases: [Lease] = []
    private var returns: [Return] = []
    /// The lanes that are not in the stream, or were not a moment ago, a bit each.
    private(set) var away: [UInt64]

    init(_ stream: BoardStream, book: LaneBook, clock: Clock) {
        self.stream = stream
        self.book = book
        self.clock = clock
        away = [UInt64](repeating: 0, count: stream.description.wordsPerShot)
    }

    /// Whether commands wait that the last `serve` had no time for.
    var hasWork: Bool { leases.contains { $0.line.hasWork } }

    /// The lanes of leases, a bit each.
    var leased: [UInt64] {
        away.indices.map { word in leases.reduce(0) { $0 | $1.lanes.mask[word] } }
    }

    // MARK: Leases

    /// Begins a lease.
    ///
    /// - Parameter array: what its commands act on; the same for all leases at a time.
    func begin(_ lease: Lease, on array: any LeasedArray, point: OperatingPoint) throws(BoardError) {
        self.array = array
        leases.append(lease)
        for index in returns.indices {
            let kept = zip(returns[index].lanes, lease.lanes.mask).map { $0 & ~$1 }
            returns[index] = Return(lanes: kept, windows: returns[index].windows)
        }
        showAway()
        stream.window.exceptFromPeriod(away)
        try array.add(lease, point: point)
    }

    /// Does what clients ask of their lanes, for a while, and takes back the lanes that they are done with.
    func serve() throws(BoardError) {
        guard hasWork else { return }
        let end = clock.monotonicNanoseconds() + Self.slice
        for lease in leases where lease.line.hasWork {
            if lease.line.isReleased {
                try finish(lease)
            } else {
                try serve(lease, until: end)
            }
        }
    }

    private func serve(_ lease: Lease, until end: UInt64) throws(BoardError) {
        guard let array, let tuning = stream.description.tuning else { return }
        var results: [LeaseResult] = []
        while let command = lease.line.takeCommand() {
            if command.fits(tuning) {
                results.append(.done(states: try array.perform(command, for: lease)))
            } else {
                results.append(.outOfRange)
            }
            if clock.monotonicNanoseconds() >= end { break }
        }
        if !results.isEmpty { lease.line.answer(results) }
    }

    private func finish(_ lease: Lease) throws(BoardError) {
        leases.removeAll { $0 === lease }
        try array?.remove(lease)
        let shots = HealthCutoffs.windowShots
        let latency = stream.description.tuning?.trimLatencyShots ?? 0
        // A window is under way.
        returns.append(Return(lanes: lease.lanes.mask, windows: (latency + shots - 1) / shots + 1))
        showAway()
    }

    /// Ends all leases, because the board is closed.
    func end(_ reason: LeaseReply.Status) {
        for lease in leases { lease.line.end(reason) }
        if reason == .shuttingDown {
            for lease in leases { lease.line.waitForRelease(milliseconds: Self.farewell) }
            // A program that knows nothing of lanes aside may open the board next.
            for lease in leases { try? array?.remove(lease) }
        }
        leases = []
        returns = []
        array = nil
        showAway()
    }

    /// Ends the leases of which a device has broken.
    func end(lanesLost broken: [UInt64]) {
        for lease in leases where zip(lease.lanes.mask, broken).contains(where: { $0 & $1 != 0 }) {
            lease.line.end(.lanesLost)
        }
    }

    /// A window with shots of the stream is done with.
    func windowPassed() {
        guard !returns.isEmpty else { return }
        for index in returns.indices { returns[index].windows -= 1 }
        returns.removeAll { $0.windows == 0 }
        showAway()
    }

    /// Lets the lanes that came back begin at once, because the stream was stopped since.
    func streamRestarted() {
        returns = []
        showAway()
    }

    private func showAway() {
        away = leased
        for lanes in returns.map(\.lanes) {
            for word in away.indices { away[word] |= lanes[word] }
        }
        book.enter(leases, away: away.contains { $0 != 0 } ? away : [])
    }
}
