// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import SimulatedBoard
import Testing

/// What came out of a simulated board, frame by frame, through a reader.
struct Recording {
    let description: BoardDescription
    private(set) var bytes: [UInt8] = []
    private(set) var headers: [FrameHeader] = []
    /// The rows of all frames, one after another.
    private(set) var rows: [UInt64] = []

    init(of board: SimulatedArrayBoard, frames: Int) throws {
        description = try board.open()
        board.start()
        let maximum = description.maximumPayload
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: FrameReader.bufferCount(maximumPayload: maximum), alignment: 8)
        defer { memory.deallocate() }
        var reader = FrameReader(buffer: memory, board: description)
        for _ in 0..<frames {
            let space = reader.freeSpace()
            let count = try board.read(into: space, milliseconds: 0)
            bytes += space[..<count]
            reader.append(count)
            take(reader.next())
            #expect(reader.next() == nil, "a read gives one frame")
        }
        board.stop()
        board.close()
    }

    private mutating func take(_ event: FrameReader.Event?) {
        guard case .frame(let frame) = event else {
            Issue.record("no frame, but \(String(describing: event))")
            return
        }
        #expect(frame.shotsDroppedBefore == 0)
        headers.append(frame.header)
        rows += frame.payload.bindMemory(to: UInt64.self)
    }

    var words: Int { description.wordsPerShot }
    var shots: Int { rows.count / words }

    /// The toggles of one lane, shot by shot.
    func toggles(lane: Int) -> [Bool] {
        stride(from: lane / 64, to: rows.count, by: words).map { rows[$0] >> (lane % 64) & 1 == 1 }
    }

    /// The states of one lane after each shot, had it begun in state 0.
    func states(lane: Int) -> [Bool] {
        var state = false
        return toggles(lane: lane).map { toggled in
            state = state != toggled
            return state
        }
    }
}
