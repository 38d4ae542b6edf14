// SPDX-License-Identifier: Apache-2.0

package import LaneHealth

/// The reference tests of every lane of a board.
package struct BoardReference: Sendable {
    private var lanes: [LaneReference]

    package init(lanes: Int, cutoffs: ReferenceCutoffs) {
        self.lanes = Array(repeating: LaneReference(cutoffs: cutoffs), count: lanes)
    }

    /// Tests the next window of the stream.
    ///
    /// - Parameter rows: 1,024 rows without gaps, each of a word for every 64 lanes.
    package mutating func test(_ rows: [UInt64]) -> WindowFindings {
        let words = lanes.count / 64
        precondition(rows.count == HealthCutoffs.windowShots * words)
        for start in stride(from: 0, to: rows.count, by: words) {
            for lane in lanes.indices {
                lanes[lane].take(rows[start + lane / 64] >> (lane % 64) & 1 == 1)
            }
        }
        return findings()
    }

    private mutating func findings() -> WindowFindings {
        var findings = WindowFindings(words: lanes.count / 64)
        for lane in lanes.indices { findings.insert(lanes[lane].finishWindow(), lane: lane) }
        return findings
    }
}

extension WindowFindings {
    /// Enters what tripped in a lane.
    package mutating func insert(_ tripped: Tripped, lane: Int) {
        let (word, bit) = (lane / 64, UInt64(1) << (lane % 64))
        if tripped.contains(.repetitionCountWarning) { self[.repetitionCount].warning[word] |= bit }
        if tripped.contains(.repetitionCountFailure) { self[.repetitionCount].failure[word] |= bit }
        if tripped.contains(.adaptiveProportionWarning) {
            self[.adaptiveProportion].warning[word] |= bit
        }
        if tripped.contains(.adaptiveProportionFailure) {
            self[.adaptiveProportion].failure[word] |= bit
        }
    }
}
