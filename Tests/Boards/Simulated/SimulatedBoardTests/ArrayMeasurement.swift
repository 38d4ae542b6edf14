// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import LaneHealth
import SimulatedBoard
import TestSupport

/// Reads a simulated board window by window, through the frame reader.
final class ArrayMeasurement {
    let board: SimulatedArrayBoard
    let description: BoardDescription
    let window: HealthWindow
    private let memory: UnsafeMutableRawBufferPointer
    private let buffer: UnsafeMutableRawBufferPointer
    private var reader: FrameReader

    /// - Parameter board: whose frames are of a window.
    init(_ board: SimulatedArrayBoard) throws(BoardError) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
        self.board = board
        description = try board.open()
        memory = .allocate(
            byteCount: HealthWindow.byteCount(lanes: description.lanes, cutoffs: cutoffs),
            alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        var random = SeededGenerator(1)
        window = HealthWindow(lanes: description.lanes, cutoffs: cutoffs, memory: memory, random: &random)
        buffer = .allocate(
            byteCount: FrameReader.bufferCount(maximumPayload: description.maximumPayload),
            alignment: 64)
        reader = FrameReader(buffer: buffer, board: description)
        board.start()
    }

    deinit {
        memory.deallocate()
        buffer.deallocate()
    }

    /// Hands over so many tested and compared windows, one after another.
    func windows(_ count: Int, _ take: (HealthWindow) -> Void) throws(BoardError) {
        let everyLane = [UInt64](repeating: ~0, count: description.wordsPerShot)
        var done = 0
        while done < count {
            reader.append(try board.read(into: reader.freeSpace(), milliseconds: 0))
            guard case .frame(let frame) = reader.next() else { continue }
            _ = window.append(frame.payload)
            guard window.isFull else { continue }
            window.test()
            window.compare(lanes: everyLane)
            take(window)
            window.advance()
            done += 1
        }
    }

    /// The monitor of the lanes after a whole period of it.
    func period() throws(BoardError) -> LaneMonitor {
        var monitor = LaneMonitor(lanes: description.lanes)
        try windows(LaneMonitor.periodWindows) { monitor.add($0) }
        return monitor
    }
}

extension SimulatedArraySettings {
    /// An array of a preset's devices for tests of statistics, without dead ones.
    static func test(_ preset: ArrayPreset) -> SimulatedArraySettings {
        var settings = SimulatedArraySettings(preset)
        settings.spread.deadDeviceFraction = 0
        return settings
    }

    func board(lanes: Int = 512, seed: UInt64, script: FaultScript = FaultScript()) throws
        -> SimulatedArrayBoard
    {
        try SimulatedArrayBoard(
            name: "test", lanes: lanes, settings: self, shotsPerFrame: HealthCutoffs.windowShots,
            seed: .fixed(seed), script: script)
    }
}
