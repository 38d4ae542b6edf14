// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import SimulatedBoard

/// What a board's electronics send on the stream's endpoint: frames, cut as the host asks for them.
///
/// Not thread-safe.
struct FrameSource {
    private enum Activity {
        case idle
        case streaming
        /// The number of frames to come; nil for no end.
        case linkTest(left: Int?)
    }

    private let array: SimulatedArrayBoard
    private let description: BoardDescription
    private var activity = Activity.idle
    private var frame: [UInt8]
    /// The bytes of `frame` that the host has not had yet.
    private var rest = 0..<0
    private var sequence: UInt32 = 0
    private var firstShot: UInt64 = 0
    private var dropped: UInt32 = 0

    /// - Parameter array: open, and described so.
    init(_ array: SimulatedArrayBoard, _ description: BoardDescription) {
        self.array = array
        self.description = description
        frame = Array(
            repeating: 0, count: FrameHeader.byteCount + description.maximumPayload)
    }

    var isStreaming: Bool {
        if case .idle = activity { false } else { true }
    }

    var isTestingLink: Bool {
        if case .linkTest = activity { true } else { false }
    }

    /// The number of lanes that are masked or aside.
    private var masked: UInt16 { UInt16(array.hiddenLanes) }

    func fill(_ status: inout StatusRecord) {
        status.activity =
            switch activity {
            case .idle: .idle
            case .streaming: .streaming
            case .linkTest: .linkTest
            }
        status.shots = firstShot
        status.frames = sequence
        status.droppedShots = dropped
        status.lanesMasked = masked
    }

    mutating func stop() {
        array.stop()
        activity = .idle
        rest = 0..<0
    }

    mutating func start() {
        begin(.streaming)
        array.start()
    }

    /// - Parameter frames: 0 for no end.
    mutating func beginLinkTest(frames: Int) {
        begin(.linkTest(left: frames == 0 ? nil : frames))
    }

    private mutating func begin(_ activity: Activity) {
        stop()
        self.activity = activity
        (sequence, firstShot, dropped) = (0, 0, 0)
    }

    /// Makes the next bytes of the stream a frame of one shot with the states of the devices.
    mutating func send(states: [UInt64]) {
        stop()
        send(shots: 1, flags: .last) { payload in
            payload.copyBytes(from: LaneRecords.bytes(bits: states))
        }
    }

    /// Copies the next bytes.
    ///
    /// - Returns: how many; 0 when there are none now.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while count < buffer.count {
            if rest.isEmpty, !makeFrame() { break }
            let taken = rest.prefix(buffer.count - count)
            frame.withUnsafeBytes { frame in
                UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: frame[taken]))
            }
            rest = taken.upperBound..<rest.upperBound
            count += taken.count
        }
        return count
    }

    /// - Returns: false when there is no frame to come now.
    private mutating func makeFrame() -> Bool {
        switch activity {
        case .idle:
            return false
        case .streaming:
            return makeArrayFrame()
        case .linkTest(let left):
            let words = UInt64(description.wordsPerShot)
            let first = firstShot &* words
            let isLast = left == 1
            send(
                shots: description.maximumPayload / 8 / Int(words),
                flags: isLast ? [.pattern, .last] : .pattern
            ) {
                LinkTestPattern.fill($0, firstWord: first)
            }
            activity = isLast ? .idle : .linkTest(left: left.map { $0 - 1 })
            return true
        }
    }

    private mutating func makeArrayFrame() -> Bool {
        let array = array
        let made = frame.withUnsafeMutableBytes { (frame) -> (Int, FrameHeader)? in
            // A board that was made to vanish or stall has nothing.
            guard let count = try? array.read(into: frame, milliseconds: 0), count > 0,
                let header = try? FrameHeader(
                    parsing: UnsafeRawBufferPointer(rebasing: frame[..<count]))
            else { return nil }
            return (count, header)
        }
        guard let (count, header) = made else { return false }
        rest = 0..<count
        sequence = header.sequence &+ 1
        firstShot = header.firstShot + UInt64(header.shots)
        dropped &+= header.droppedBefore
        return true
    }

    /// Makes a frame that does not come from the array's own stream.
    private mutating func send(
        shots: Int, flags: FrameHeader.Flags, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        let isPattern = flags.contains(.pattern)
        let isToggles = isPattern && description.encoding == .toggles
        let header = FrameHeader(
            flags: isToggles ? flags.union(.toggleEncoded) : flags,
            wordsPerShot: UInt16(description.wordsPerShot), sequence: sequence,
            shots: UInt32(shots), firstShot: firstShot,
            temperature: Int16((array.temperatureCelsius * 100).rounded()), lanesMasked: masked)
        let count = FrameHeader.byteCount + header.payloadCount
        frame.withUnsafeMutableBytes { frame in
            fill(UnsafeMutableRawBufferPointer(rebasing: frame[FrameHeader.byteCount..<count]))
            header.write(to: UnsafeMutableRawBufferPointer(rebasing: frame[..<count]))
        }
        rest = 0..<count
        sequence &+= 1
        firstShot += UInt64(shots)
    }
}
