// SPDX-License-Identifier: Apache-2.0

/// The order of the frames of one start of a board: none comes twice, and what is missing is counted.
package struct FrameOrder: Sendable {
    private var expected: (sequence: UInt32, shot: UInt64)?
    /// How many shots were missing so far, or so the board said.
    private var missing: UInt64 = 0

    package init() {}

    /// The most shots that can be missing of a start: those of twelve days at a million a second. A frame beyond is not
    /// a later one of the stream, whether it is one gap or the sum of many.
    package static let largestGap: UInt64 = 1 << 40

    /// Checks the order of a whole frame.
    ///
    /// - Returns: how many shots are missing before it; nil when it, or a part of it, came before, or
    ///   when it is too far ahead.
    package mutating func admit(_ header: FrameHeader) -> UInt64? {
        var dropped = UInt64(header.droppedBefore)
        if let expected {
            // Sequence numbers wrap: what is less than half the circle ahead is later.
            let ahead = header.sequence &- expected.sequence
            guard ahead < 1 << 31, header.firstShot >= expected.shot else { return nil }
            let gap = header.firstShot - expected.shot
            guard gap <= Self.largestGap else { return nil }
            dropped = max(dropped, gap)
        }
        guard missing + dropped <= Self.largestGap else { return nil }
        let (shot, overflow) = header.firstShot.addingReportingOverflow(UInt64(header.shots))
        guard !overflow else { return nil }
        expected = (header.sequence &+ 1, shot)
        missing += dropped
        return dropped
    }
}
