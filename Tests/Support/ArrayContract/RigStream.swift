// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol

/// The stream of a rig's board, from its start until this is released. Every frame has to follow the one before it.
final class RigStream {
    private let rig: ArrayRig
    private let buffer: UnsafeMutableRawBufferPointer
    private var reader: FrameReader
    private var sequence: UInt32 = 0
    private var shot: UInt64 = 0

    init(_ rig: ArrayRig) throws {
        self.rig = rig
        buffer = .allocate(
            byteCount: FrameReader.bufferCount(maximumPayload: rig.description.maximumPayload),
            alignment: 8)
        reader = FrameReader(buffer: buffer, board: rig.description)
        try rig.board.start()
    }

    deinit {
        rig.board.stop()
        buffer.deallocate()
    }

    func readFrames(_ count: Int) throws { for _ in 0..<count { try next { _, _ in } } }

    /// Reads frames until one comes that counts these lanes as masked, within the delay that the board states; then some
    /// more, which have to have 0 in these lanes, and ones in others.
    func expect(hidden: [UInt64], _ what: String) throws {
        let count = hidden.reduce(0) { $0 + $1.nonzeroBitCount }
        let limit = shot + UInt64(rig.description.tuning?.trimLatencyShots ?? 0)
        var masked = -1
        while masked != count {
            try require(shot <= limit, "\(what): \(masked) lanes are masked instead of \(count)")
            try next { header, _ in masked = Int(header.lanesMasked) }
        }
        let words = rig.words
        var seen = [UInt64](repeating: 0, count: words)
        for _ in 0..<4 {
            try next { header, rows in
                try require(
                    Int(header.lanesMasked) == count,
                    "\(what): \(header.lanesMasked) lanes are masked instead of \(count)")
                for index in rows.indices { seen[index % words] |= rows[index] }
            }
        }
        try require(
            and(seen, hidden).allSatisfy { $0 == 0 }, "\(what): lanes without a part have ones")
        let switching = and(seen, inverse(hidden)).reduce(0) { $0 + $1.nonzeroBitCount }
        // One in 100 devices is dead, and others may be 0 in these few shots.
        try require(
            switching > (64 * words - count) * 3 / 4, "\(what): \(switching) lanes have ones")
    }

    private func next(_ body: (FrameHeader, UnsafeBufferPointer<UInt64>) throws -> Void) throws {
        while true {
            switch reader.next() {
            case .frame(let frame):
                let header = frame.header
                try require(
                    header.sequence == sequence && header.firstShot == shot,
                    "frame \(header.sequence) begins with shot \(header.firstShot) instead of"
                        + " frame \(sequence) with shot \(shot)")
                (sequence, shot) = (sequence + 1, shot + UInt64(header.shots))
                return try body(header, frame.payload.bindMemory(to: UInt64.self))
            case nil:
                let count = try rig.board.read(into: reader.freeSpace(), milliseconds: 1000)
                try require(count > 0, "no frame comes")
                reader.append(count)
            case let other?: throw Violation(description: "no frame, but \(other)")
            }
        }
    }
}
