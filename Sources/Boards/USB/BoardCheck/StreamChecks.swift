// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import USBBoard

// Checks of the stream.
extension BoardChecker {
    static let streamChecks: [Check] = [
        Check(name: "frames follow one another from 0 on, with their checksums") {
            (checker) throws(Finding) in
            let stream = try CheckedStream(checker.access)
            try checker.order(.start)
            try checker.readFrames(of: stream, count: 64)
        },
        Check(name: "a second start begins again from 0") { (checker) throws(Finding) in
            try checker.streamBriefly()
            // Transfers are submitted after the order, so that all that comes belongs to the new start.
            try checker.order(.start)
            try checker.readFrames(of: try CheckedStream(checker.access), count: 8)
        },
        Check(name: "a stop ends the stream") { (checker) throws(Finding) in
            let stream = try CheckedStream(checker.access)
            try checker.order(.start)
            _ = try stream.next()
            try checker.order(.stop)
            try checker.require(try stream.isSilent(), "frames go on")
            let activity = try checker.status().activity
            try checker.require(activity == .idle, "it is \(activity.text)")
        },
        Check(name: "the status counts frames and shots") { (checker) throws(Finding) in
            let stream = try CheckedStream(checker.access)
            try checker.order(.start)
            let frame = try stream.next()
            let status = try checker.status()
            try checker.require(status.activity == .streaming, "it is \(status.activity.text)")
            try checker.require(
                status.frames >= 1 && status.shots >= UInt64(frame.header.shots),
                "\(status.frames) frames and \(status.shots) shots")
        },
        Check(name: "requests that would disturb the stream are refused while it runs") {
            (checker) throws(Finding) in try checker.disturb()
        },
        Check(name: "the link test counts up, and ends by itself") { (checker) throws(Finding) in
            try checker.testLink(frames: 256)
        },
        Check(name: "a masked lane is 0, and counted", needs: .laneMask) {
            (checker) throws(Finding) in try checker.maskLane()
        },
    ]

    /// Reads the first frames after a start, and requires of each what the document says.
    private func readFrames(of stream: CheckedStream, count: Int) throws(Finding) {
        var sequence = FrameSequence()
        for _ in 0..<count {
            let header = try stream.next().header
            try checkShape(header)
            try sequence.follow(header)
        }
    }

    private func checkShape(_ header: FrameHeader) throws(Finding) {
        try require(
            Int(header.wordsPerShot) == info.lanes / 64,
            "\(header.wordsPerShot) words in a shot of \(info.lanes) lanes")
        try require(
            header.payloadCount <= info.maximumPayload,
            "a payload of \(header.payloadCount) bytes")
        try require(
            header.flags.contains(.toggleEncoded) == (info.encoding == .toggles),
            "the flag of the encoding is not that of GET_INFO")
    }

    /// Leaves the board streaming, with frames in flight.
    private func streamBriefly() throws(Finding) {
        let stream = try CheckedStream(access)
        try order(.start)
        _ = try stream.next()
    }

    private func disturb() throws(Finding) {
        let stream = try CheckedStream(access)
        try order(.start)
        _ = try stream.next()
        if info.features.contains(.operatingPoint) {
            let bytes = try get(.operatingPoint, count: OperatingPointRecord.byteCount)
            try expectRefusal(.streaming, "an operating point while it streams") {
                access.set(BoardRequest.operatingPoint.rawValue, bytes)
            }
        }
        if info.features.contains(.laneMask) {
            try expectRefusal(.streaming, "a mask while it streams") {
                access.set(
                    BoardRequest.setLaneMask.rawValue, [UInt8](repeating: 0, count: info.lanes / 8))
            }
        }
        if info.features.contains(.array) { try disturbArray() }
        _ = try stream.next()
    }

    private func disturbArray() throws(Finding) {
        for operation in ArrayOperation.allCases {
            try expectRefusal(.streaming, "\(operation.text) while it streams") {
                access.set(
                    BoardRequest.array.rawValue, value: operation.rawValue,
                    operation == .pulse ? ArrayOperation.bytes(pulses: 1) : [])
            }
        }
    }

    private func testLink(frames: Int) throws(Finding) {
        let stream = try CheckedStream(access)
        try order(.selfTest, value: UInt16(frames))
        var word: UInt64 = 0
        for number in 1...frames {
            let frame = try stream.next()
            try require(
                frame.header.flags.contains(.pattern), "a frame without the flag \"pattern\"")
            let error = frame.payload.withUnsafeBytes {
                LinkTestPattern.firstError(in: $0, firstWord: word)
            }
            try require(error == nil, "byte \(error ?? 0) of frame \(number - 1) is wrong")
            word += UInt64(frame.payload.count / 8)
            try require(
                frame.header.flags.contains(.last) == (number == frames),
                "frame \(number - 1) of \(frames): the flag \"last\"")
        }
        try require(try stream.isSilent(), "frames come after the last one")
        let activity = try status().activity
        try require(activity == .idle, "it is \(activity.text) afterwards")
    }

    private func maskLane() throws(Finding) {
        var mask = [UInt8](repeating: 0, count: info.lanes / 8)
        mask[0] = 1
        try order(.setLaneMask, mask)
        try expectRefusal(.badLength, "a mask of 3 bytes") {
            access.set(BoardRequest.setLaneMask.rawValue, [1, 2, 3])
        }
        let stream = try CheckedStream(access)
        try order(.start)
        for _ in 0..<8 {
            let frame = try stream.next()
            try require(
                frame.header.lanesMasked == 1, "\(frame.header.lanesMasked) lanes are masked")
            let rows = stride(from: 0, to: frame.payload.count, by: info.lanes / 8)
            let isZero = rows.allSatisfy { frame.payload[$0] & 1 == 0 }
            try require(isZero, "lane 0 is masked but has ones")
        }
        let masked = try status().lanesMasked
        try require(masked == 1, "the status says that \(masked) lanes are masked")
    }
}
