// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import USBBoard

// Lanes aside while the board streams.
extension BoardChecker {
    func streamBeside() throws(Finding) {
        let stream = try CheckedStream(access)
        try order(.start)
        var sequence = FrameSequence()
        for _ in 0..<4 { try sequence.follow(try stream.next().header) }
        try order(.lanesAside, half)
        try writeAside(pattern)
        try expectHidden(half, in: stream, after: &sequence)
        for _ in 0..<4 {
            try require(
                agree(try readAside(), pattern, in: half), "the stream disturbs lanes aside")
            try sequence.follow(try stream.next().header)
        }
        try pulseAside(16)
        let after = try readAside()
        for _ in 0..<4 { try sequence.follow(try stream.next().header) }
        try require(
            agree(try readAside(), after, in: half), "the stream disturbs lanes aside, once pulsed")
        try order(.lanesAside, none)
        try expectHidden(none, in: stream, after: &sequence)
    }

    /// Reads frames until one counts these lanes, within the shots that may be under way, and requires that they stay 0.
    private func expectHidden(
        _ hidden: [UInt8], in stream: CheckedStream, after sequence: inout FrameSequence
    ) throws(Finding) {
        let count = hidden.reduce(0) { $0 + $1.nonzeroBitCount }
        let bytes = stream.bytesUnderWay + info.maximumPayload
        let limit =
            sequence.shot + UInt64(info.tuning.trimLatencyShots + bytes / (info.lanes / 8))
        var frame = try stream.next()
        try sequence.follow(frame.header)
        while Int(frame.header.lanesMasked) != count {
            try require(
                frame.header.firstShot <= limit,
                "\(count) lanes are aside, and frames go on to count \(frame.header.lanesMasked)")
            frame = try stream.next()
            try sequence.follow(frame.header)
        }
        for _ in 0..<4 {
            try require(
                Int(frame.header.lanesMasked) == count,
                "\(frame.header.lanesMasked) lanes are counted instead of \(count)")
            let hasOnes = frame.payload.indices.contains {
                frame.payload[$0] & hidden[$0 % hidden.count] != 0
            }
            try require(!hasOnes, "lanes aside have ones in the stream")
            try require(frame.payload.contains { $0 != 0 }, "the other lanes are all 0")
            frame = try stream.next()
            try sequence.follow(frame.header)
        }
    }
}
