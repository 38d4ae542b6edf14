// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import Glibc
import USBBoard

/// Times cycles of write, pulse and read of lanes that are set aside, and control transfers of the same lengths with
/// which a board has next to nothing to do.
///
///     aside-cycles LANES PULSES CYCLES
///
/// Sets the first LANES aside. Prints the medians of the transfers, of the cycles while the board is idle, and of the
/// cycles while it streams, in microseconds, in a line.
@main
struct AsideCycles {
    static func main() throws {
        let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        guard CommandLine.arguments.count == 4, numbers.count == 3, numbers[2] > 0 else { exit(64) }
        let (lanes, pulses, cycles) = (numbers[0], numbers[1], numbers[2])
        var settings = USBBoardSettings()
        settings.expectsSimulated = true
        let transfers = try time(transfersOf: settings, cycles: cycles)
        let board = try USBBoard(settings, locked: true)
        let rig = try Rig(board, lanes: lanes, pulses: pulses)
        let idle = try rig.time(cycles: cycles, streams: false)
        try board.start()
        let streaming = try rig.time(cycles: cycles, streams: true)
        board.stop()
        board.close()
        print("\(transfers) \(idle) \(streaming)")
    }

    /// The transfers of a cycle as requests that a board answers from its memory.
    private static func time(transfersOf settings: USBBoardSettings, cycles: Int) throws -> Double {
        let access = try BoardAccess(settings)
        guard case .done(let bytes) = access.get(BoardRequest.getInfo.rawValue, count: 64) else {
            throw BoardError.stalled("it does not say what it is")
        }
        let lanes = try InfoRecord(parsing: bytes).lanes
        _ = access.set(BoardRequest.reset.rawValue)
        let mask = [UInt8](repeating: 0, count: lanes / 8)
        return try median(of: cycles) {
            let outcomes = [
                access.set(BoardRequest.setLaneMask.rawValue, value: LaneSet.aside.rawValue, mask),
                access.set(
                    BoardRequest.setLaneTrim.rawValue, value: LaneSet.aside.trimValue(firstLane: 0),
                    [0, 0, 0, 0]),
                access.get(BoardRequest.lanesAside.rawValue, count: mask.count),
            ]
            guard outcomes == [.done([]), .done([]), .done(mask)] else {
                throw BoardError.stalled("a request failed: \(outcomes)")
            }
        }
    }
}

/// A board with lanes aside.
private final class Rig {
    private let board: USBBoard
    private let pulses: Int
    private let states: [UInt64]
    private let buffer: UnsafeMutableRawBufferPointer

    init(_ board: USBBoard, lanes: Int, pulses: Int) throws {
        self.board = board
        self.pulses = pulses
        let description = try board.open()
        states = (0..<description.wordsPerShot).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
        buffer = .allocate(
            byteCount: FrameReader.bufferCount(maximumPayload: description.maximumPayload),
            alignment: 64)
        try board.setLanesAside(
            states.indices.map { $0 < lanes / 64 ? ~0 : 0 })
    }

    deinit { buffer.deallocate() }

    /// The median of the cycles.
    ///
    /// - Parameter streams: whether the board streams. It is read between two cycles.
    func time(cycles: Int, streams: Bool) throws -> Double {
        try median(of: cycles) {
            try board.writeAside(states)
            try board.pulseAside(count: pulses)
            _ = try board.readAside()
        } between: {
            if streams { _ = try board.read(into: buffer, milliseconds: 500) }
        }
    }
}

/// Median duration, in microseconds.
private func median(
    of count: Int, _ body: () throws -> Void, between: () throws -> Void = {}
) throws -> Double {
    let times = try (0..<count).map { _ in
        try between()
        let began = microseconds()
        try body()
        return microseconds() - began
    }
    return times.sorted()[count / 2]
}

private func microseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) * 1e-3
}
