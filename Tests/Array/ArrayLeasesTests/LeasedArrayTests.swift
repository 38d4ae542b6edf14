// SPDX-License-Identifier: Apache-2.0

import ArrayLeases
import BoardInterface
import BoardProtocol
import EntropyTerms
import LeaseProtocol
import LinuxPlatform
import Synchronization
import TestSupport
import Testing

@Suite("Lanes of a lease: their order, and that each lease sees and changes its own lanes only")
struct LeasedArrayTests {
    @Test("bits go to the places of the lanes and come back in the order of the lease")
    func order() {
        var random = SeededGenerator(5)
        for _ in 0..<200 {
            let words = Int.random(in: 1...64, using: &random)
            let count = Int.random(in: 1...64 * words, using: &random)
            let numbers = Array((0..<64 * words).shuffled(using: &random).prefix(count))
            let lanes = LeasedLanes(numbers, boardWords: words)
            let last = count % 64 == 0 ? UInt64.max : 1 << UInt64(count % 64) - 1
            var bits = (0..<lanes.words).map { _ in random.next() }
            bits[lanes.words - 1] &= last
            let rows = lanes.onBoard(bits)
            #expect(lanes.ofLease(rows) == bits)
            #expect(zip(rows, lanes.mask).allSatisfy { $0 & ~$1 == 0 })
            for (index, lane) in numbers.enumerated() {
                let onBoard = rows[lane / 64] >> UInt64(lane % 64) & 1
                let ofLease = bits[index / 64] >> UInt64(index % 64) & 1
                #expect(onBoard == ofLease)
            }
        }
    }

    @Test("two leases of a board that sets lanes aside have their own states, points, trims and masks")
    func twoLeases() throws {
        let board = TogglingBoard()
        let array = AsideArray(board, board.description)
        let first = try lease([0, 64, 2])
        let second = try lease([1, 127])
        try array.add(first, point: TogglingBoard.point(2_000))
        try array.add(second, point: TogglingBoard.point(2_300))
        #expect(board.aside == [0b111, 1 | 1 << 63])
        _ = try array.perform(.write([0b101]), for: first)
        _ = try array.perform(.write([0b11]), for: second)
        #expect(try array.perform(.read, for: first) == [0b101])
        #expect(try array.perform(.read, for: second) == [0b11])
        // An odd number of pulses turns a device of this board over.
        _ = try array.perform(.pulse(3), for: first)
        #expect(board.points == [2_000])
        #expect(try array.perform(.read, for: first) == [0b010])
        #expect(try array.perform(.read, for: second) == [0b11])
        _ = try array.perform(.mask([0b01]), for: second)
        _ = try array.perform(.pulse(1), for: second)
        _ = try array.perform(.pulse(1), for: second)
        _ = try array.perform(.pulse(1), for: second)
        #expect(board.points == [2_000, 2_300], "the point is set when it is another one")
        #expect(try array.perform(.read, for: second) == [0b01])
        _ = try array.perform(.trim([7, -7]), for: second)
        _ = try array.perform(.trim([1, 2, 3]), for: first)
        #expect([0, 1, 2, 64, 127].map { board.trims[$0] } == [1, 7, 3, 2, -7])
        try array.remove(first)
        #expect(board.aside == [0b10, 1 << 63])
        #expect(try array.perform(.read, for: second) == [0b01])
        let third = try lease([2])
        try array.add(third, point: TogglingBoard.point(2_000))
        #expect(board.trims[2] == 0, "trims begin at 0")
    }

    @Test("a lease of a board whose stream is stopped sees the states of masked lanes, and leaves others alone")
    func stopped() throws {
        let board = TogglingBoard()
        board.setAll([~0, ~0])
        let array = StoppedArray(board, board.description)
        let lease = try lease([3, 70])
        try array.add(lease, point: TogglingBoard.point(2_100))
        _ = try array.perform(.write([0b01]), for: lease)
        _ = try array.perform(.mask([0b01]), for: lease)
        _ = try array.perform(.pulse(1), for: lease)
        #expect(try array.perform(.read, for: lease) == [0b11])
        #expect(board.states == [~0, ~0])
        #expect(board.points == [2_100])
        try array.remove(lease)
        #expect(board.laneMask == [0, 0])
    }

    @Test("values outside the limits are found")
    func limits() {
        let tuning = TogglingBoard.tuning
        #expect(LeaseCommand.pulse(1).fits(tuning) && LeaseCommand.pulse(65_536).fits(tuning))
        #expect(!LeaseCommand.pulse(0).fits(tuning) && !LeaseCommand.pulse(65_537).fits(tuning))
        #expect(LeaseCommand.renew(3_600).fits(tuning))
        #expect(!LeaseCommand.renew(0).fits(tuning) && !LeaseCommand.renew(3_601).fits(tuning))
        #expect(LeaseCommand.trim([-10, 10]).fits(tuning) && !LeaseCommand.trim([0, 11]).fits(tuning))
        #expect(LeaseCommand.point(TogglingBoard.point(2_700)).fits(tuning))
        #expect(!LeaseCommand.point(TogglingBoard.point(2_701)).fits(tuning))
    }

    private func lease(_ lanes: [Int]) throws -> Lease {
        try Lease(
            LeasedLanes(lanes, boardWords: 2),
            holder: PeerCredentials(processID: 1, userID: 0, groupID: 0), seconds: 60, clock: .system,
            wakePipeline: {})
    }
}

/// A board of 128 devices, of which each pulse turns every one over. For one thread.
private final class TogglingBoard: AsideBoard, ArrayBoard, @unchecked Sendable {
    static let tuning = Tuning(
        amplitudeMillivolts: 0...2_700, pulseWidthPicoseconds: 1...10_000, biasFieldMicrotesla: -100...100,
        trim: -10...10, trimLatencyShots: 0)

    static func point(_ amplitude: Double) -> OperatingPoint {
        OperatingPoint(amplitudeMillivolts: amplitude, pulseWidthPicoseconds: 140, biasFieldMicrotesla: 0)
    }

    let description = BoardDescription(
        kind: "toggling", provenance: .simulated, serial: "T", path: "", firmware: "1", lanes: 128, encoding: .states,
        operatingPoint: point(1_000), maximumPayload: 65_536, shotsPerSecond: 1_000_000, tuning: tuning,
        hasArrayOperations: true, canSetLanesAside: true)
    private(set) var states: [UInt64] = [0, 0]
    private(set) var aside: [UInt64] = [0, 0]
    private(set) var laneMask: [UInt64] = [0, 0]
    private(set) var trims = [Int16](repeating: 0, count: 128)
    /// The amplitudes that were set.
    private(set) var points: [Double] = []
    private var asideMask: [UInt64] = [0, 0]

    func setAll(_ states: [UInt64]) { self.states = states }

    private func write(_ new: [UInt64], to lanes: [UInt64]) {
        for word in 0..<2 { states[word] = states[word] & ~lanes[word] | new[word] & lanes[word] }
    }

    private func pulse(_ count: Int, _ lanes: [UInt64]) {
        for word in 0..<2 where !count.isMultiple(of: 2) { states[word] ^= lanes[word] }
    }

    private var unmasked: [UInt64] { zip(aside, asideMask).map { $0 & ~$1 } }

    // MARK: AsideBoard

    func setLanesAside(_ lanes: [UInt64]) { aside = lanes }
    func setAsidePoint(_ point: OperatingPoint) { points.append(point.amplitudeMillivolts) }
    func setAsideTrims(_ trims: [Int16]) { self.trims = trims }
    func setAsideMask(_ mask: [UInt64]) { asideMask = mask }
    func writeAside(_ states: [UInt64]) { write(states, to: unmasked) }
    func pulseAside(count: Int) { pulse(count, unmasked) }
    func readAside() -> [UInt64] { zip(states, aside).map { $0 & $1 } }

    // MARK: ArrayBoard

    func setLaneMask(_ mask: [UInt64]) { laneMask = mask }
    func writeStates(_ states: [UInt64]) { write(states, to: laneMask.map { ~$0 }) }
    func pulse(count: Int) { pulse(count, laneMask.map { ~$0 }) }
    func readStates() -> [UInt64] { zip(states, laneMask).map { $0 & ~$1 } }

    // MARK: TunableBoard

    func setOperatingPoint(_ point: OperatingPoint) { points.append(point.amplitudeMillivolts) }
    func setTrims(_ trims: [Int16]) { self.trims = trims }
    func telemetry() -> BoardTelemetry {
        BoardTelemetry(temperatureCelsius: 27, resistanceOhms: [Float](repeating: 1_000, count: 128))
    }

    // MARK: Board

    func open() -> BoardDescription { description }
    func start() {}
    func read(into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32) -> Int { 0 }
    func stop() {}
    func close() {}
    func interrupt() {}
}
