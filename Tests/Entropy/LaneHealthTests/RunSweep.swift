// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import LaneHealthReference
import TestMaterials
import TestSupport

/// Runs of chosen lengths that end at every offset of a window, in the lanes at the edges of words,
/// over a background in which every sample differs from the one before.
struct RunSweep {
    struct Run {
        let length: Int
        /// Where in the window the last sample of the run is.
        let end: Int
    }

    static let lanes = 128
    /// The lanes with runs: the first, the two at an edge between words, and the last.
    static let observed = [0, 63, 64, 127]

    private let cutoffs: HealthCutoffs
    private let referenceCutoffs: ReferenceCutoffs
    /// What goes through each observed lane, one run a window. The ends fall from run to run, so
    /// that a run is over before the next one begins even where that is in the same window.
    let runs: [Run]

    /// - Parameter plant: changes the cut-offs of the reference.
    init(claim: Double, plant: (inout ReferenceCutoffs) -> Void = { _ in }) {
        cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        var changed = ReferenceCutoffs(cutoffs)
        plant(&changed)
        referenceCutoffs = changed
        let around = [cutoffs.repetitionCountWarning, cutoffs.repetitionCountFailure]
        let lengths = around.flatMap { [$0 - 1, $0, $0 + 1] }
        let ends = stride(from: HealthCutoffs.windowShots - 1, through: 0, by: -thinning)
        runs = lengths.flatMap { length in ends.map { Run(length: length, end: $0) } }
    }

    /// The run that lane number `place` of the observed ones has in a window: every lane has every
    /// run, each in another window.
    private func run(_ place: Int, window: Int) -> Run {
        runs[(window + place * runs.count / Self.observed.count) % runs.count]
    }

    /// Sends every run through every observed lane in one stream, a run a window.
    ///
    /// - Returns: how many windows some path found something else in than the reference.
    func differencesInOneStream() -> Int {
        var stream = Stream(self)
        return runs.indices.count { window in
            let now = Self.observed.indices.map { run($0, window: window) }
            let next = Self.observed.indices.map { run($0, window: window + 1) }
            return stream.differs(over: stream.rows(now, next: next))
        }
    }

    /// Sends every run through every observed lane in streams that are a window each: of a run that
    /// is longer than its end allows, the stream holds the end.
    ///
    /// - Parameter inspect: is given the runs of the lanes and what tripped in each.
    func differencesInFirstWindows(inspect: (Run, Tripped) -> Void = { _, _ in }) -> Int {
        runs.indices.count { window in
            var stream = Stream(self)
            let now = Self.observed.indices.map { run($0, window: window) }
            let differs = stream.differs(over: stream.rows(now, next: []))
            for (run, tripped) in zip(now, stream.tripped) { inspect(run, tripped) }
            return differs
        }
    }
}

extension RunSweep {
    /// One stream through the tests on every path, and through the reference.
    private struct Stream {
        private static let shots = HealthCutoffs.windowShots
        private let windows: [OwnedWindow]
        private var references: [LaneReference]
        private var last: [UInt64] = [0, 0]
        /// What tripped in the last window in each observed lane, for the reference.
        private(set) var tripped: [Tripped] = []

        init(_ sweep: RunSweep) {
            windows = KernelPath.strips.map {
                OwnedWindow(lanes: lanes, cutoffs: sweep.cutoffs, features: $0.features)
            }
            let reference = LaneReference(cutoffs: sweep.referenceCutoffs)
            references = observed.map { _ in reference }
        }

        /// A window in which the observed lanes have the runs `now`, and those of `next`, which end
        /// in the window after, as far as they begin in this one.
        mutating func rows(_ now: [Run], next: [Run]) -> [UInt64] {
            var repeats = [UInt64](repeating: 0, count: 2 * Self.shots)
            for (runs, shift) in [(now, 0), (next, Self.shots)] {
                for (run, lane) in zip(runs, observed) {
                    let end = shift + run.end + 1
                    let within = 0..<Self.shots
                    for shot in end - run.length + 1..<end where within.contains(shot) {
                        repeats[2 * shot + lane / 64] |= 1 << (lane % 64)
                    }
                }
            }
            var rows = repeats
            for index in rows.indices {
                last[index % 2] ^= ~repeats[index]
                rows[index] = last[index % 2]
            }
            return rows
        }

        mutating func differs(over rows: [UInt64]) -> Bool {
            var expected = WindowFindings(words: 2)
            tripped = []
            for (place, lane) in observed.enumerated() {
                for word in stride(from: lane / 64, to: rows.count, by: 2) {
                    references[place].take(rows[word] >> (lane % 64) & 1 == 1)
                }
                tripped.append(references[place].finishWindow())
                expected.insert(tripped[place], lane: lane)
            }
            return windows.contains { $0.findings(in: rows).differ(from: expected) }
        }
    }
}
