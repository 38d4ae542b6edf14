// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import TestSupport

/// A board whose shots come from a seeded generator, and that fails at random: it is lost, it falls silent, it
/// damages, loses and repeats frames, its lanes get stuck and move together.
///
/// A read never waits: it says at once what is there. For the simulation's thread alone.
final class SimulationBoard: TunableBoard, PluggableBoard, @unchecked Sendable {
    /// What is wrong with the board now.
    enum Trouble: Equatable {
        case nothing
        /// Reads find nothing.
        case silent
        /// The first `lanes` lanes with even numbers are stuck at 1. The others stay random, so that no two shots, and no
        /// two parts of one, are equal by chance.
        case stuck(lanes: Int)
        /// The lanes of a shot are all 1 with probability ¾, or all with ¼.
        case commonMode
    }

    let description: BoardDescription
    /// How often each kind of trouble is looked for: one read in so many.
    private let troubleInterval: Int
    private let time: VirtualTime
    private var random: SeededGenerator
    private var frames: FrameMaker
    private var trouble = Trouble.nothing
    private var troubleEnds: UInt64 = 0
    /// Bytes of frames that were not read yet.
    private var pending: [UInt8] = []
    /// While this lasts the board cannot be opened.
    private var absentUntil: UInt64 = 0
    private var isLost = false
    private let plug: Wakeup
    private var point: OperatingPoint

    init(
        _ description: BoardDescription, seed: UInt64, troubleInterval: Int, time: VirtualTime
    ) throws(SystemError) {
        self.description = description
        self.troubleInterval = troubleInterval
        self.time = time
        random = SeededGenerator(seed)
        frames = FrameMaker(description)
        plug = try Wakeup()
        point = description.operatingPoint
    }

    // MARK: Board

    func open() throws(BoardError) -> BoardDescription {
        plug.clear()
        guard time.nanoseconds >= absentUntil else { throw .absent("pulled out by the simulation") }
        isLost = false
        var description = description
        description.operatingPoint = point
        return description
    }

    func start() throws(BoardError) {
        if chance(of: 64) { throw .stalled("it does not start") }
        pending = []
        frames = FrameMaker(description)
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        changeTrouble()
        if isLost { throw .absent("pulled out by the simulation") }
        if pending.isEmpty {
            guard trouble != .silent, !chance(of: 8) else { return pass(milliseconds) }
            pending = stream()
        }
        // A cable cuts anywhere.
        let count = min(
            buffer.count, pending.count,
            chance(of: 4) ? Int.random(in: 1...3_000, using: &random) : .max)
        buffer.copyBytes(from: pending.prefix(count))
        pending.removeFirst(count)
        return count
    }

    func stop() {}
    func close() { pending = [] }
    func interrupt() {}

    // MARK: Capabilities

    var changes: Int32 { plug.descriptor.raw }

    func checkPresence() throws(BoardError) {
        plug.clear()
        if isLost { throw .absent("pulled out by the simulation") }
    }

    func setOperatingPoint(_ point: OperatingPoint) throws(BoardError) {
        if chance(of: 16) { throw .stalled("it takes no operating point") }
        self.point = point
    }

    func setTrims(_ trims: [Int16]) throws(BoardError) {
        precondition(trims.count == description.lanes)
    }

    func telemetry() throws(BoardError) -> BoardTelemetry {
        BoardTelemetry(
            temperatureCelsius: 25,
            resistanceOhms: [Float](repeating: 20_000, count: description.lanes))
    }

    // MARK: Trouble

    /// Pulls the board out for a while.
    func pullOut() {
        isLost = true
        absentUntil = time.nanoseconds + UInt64.random(in: 0...2_000_000_000, using: &random)
        plug.signal()
    }

    private func changeTrouble() {
        if trouble != .nothing, time.nanoseconds >= troubleEnds { trouble = .nothing }
        guard trouble == .nothing, chance(of: troubleInterval) else { return }
        troubleEnds =
            time.nanoseconds + UInt64.random(in: 10_000_000...3_000_000_000, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: trouble = .silent
        case 1: trouble = .stuck(lanes: Int.random(in: 1...description.lanes / 2, using: &random))
        case 2: trouble = .commonMode
        default: pullOut()
        }
    }

    private func chance(of count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    /// Nothing came in the time that the reader was ready to wait.
    private func pass(_ milliseconds: Int32) -> Int {
        time.advance(by: UInt64(min(milliseconds, 50)) * 1_000_000)
        return 0
    }

    // MARK: The stream

    private func stream() -> [UInt8] {
        let shots = description.maximumPayload / (8 * description.wordsPerShot)
        var bytes = frames.frame((0..<shots).flatMap { _ in shot() })
        time.advance(by: UInt64(shots) * 1_000)
        switch Int.random(in: 0..<256, using: &random) {
        case 0: bytes[Int.random(in: bytes.indices, using: &random)] ^= 0x10
        case 1: bytes = []
        case 2: bytes += bytes
        case 3: bytes.insert(contentsOf: random.bytes(100), at: 0)
        case 4: frames.skip(frames: 3, shots: 300)
        default: break
        }
        return bytes
    }

    private func shot() -> [UInt64] {
        var words = random.words(description.wordsPerShot)
        switch trouble {
        case .nothing, .silent: break
        case .stuck(let lanes):
            for lane in 0..<lanes { words[lane / 32] |= 1 << (2 * lane % 64) }
        case .commonMode:
            let others = random.words(words.count)
            let isHigh = random.next() & 1 == 0
            words = zip(words, others).map { isHigh ? $0 | $1 : $0 & $1 }
        }
        return words
    }
}
