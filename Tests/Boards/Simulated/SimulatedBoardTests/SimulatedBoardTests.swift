// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import EntropyTerms
import SimulatedBoard
import TestMaterials
import TestSupport
import Testing

private func board(
    _ lanes: Int, shotsPerFrame: Int = 64, seed: SimulationSeed = .fixed(1)
) throws -> SimulatedArrayBoard {
    try SimulatedArrayBoard(
        name: "test", lanes: lanes, settings: SimulatedArraySettings(.quarterPeriod),
        shotsPerFrame: shotsPerFrame, seed: seed)
}

private func board(
    of chains: [SwitchingChain], shotsPerFrame: Int, seed: SimulationSeed
) throws -> SimulatedArrayBoard {
    try SimulatedArrayBoard(
        name: "a", devices: .fixed(chains), settings: SimulatedArraySettings(.quarterPeriod),
        shotsPerFrame: shotsPerFrame, seed: seed)
}

@Suite(
    "Frames of the simulated board: any array size, seeds, a new start")
struct SimulatedFrameTests {
    @Test(
        "arrays of any size send frames that a reader accepts",
        arguments: [64, 128, 448, 512, 576, 1024, 4096], [1, 37, 256])
    func frames(lanes: Int, shotsPerFrame: Int) throws {
        let recording = try Recording(of: board(lanes, shotsPerFrame: shotsPerFrame), frames: 5)
        #expect(recording.headers.map(\.sequence) == [0, 1, 2, 3, 4])
        let firstShots = (0..<5).map { UInt64($0 * shotsPerFrame) }
        #expect(recording.headers.map(\.firstShot) == firstShots)
        #expect(recording.headers.allSatisfy { $0.flags == .toggleEncoded })
        #expect(recording.rows.count == 5 * shotsPerFrame * lanes / 64)
        #expect(recording.bytes.count == 5 * (40 + shotsPerFrame * lanes / 8))
        // Half of the bits are ones; 1 % of devices are dead.
        let ones = recording.rows.reduce(0) { $0 + $1.nonzeroBitCount }
        let share = Double(ones) / Double(64 * recording.rows.count)
        #expect(0.3 < share && share < 0.7)
    }

    @Test("the board says that it is simulated, and what it is")
    func description() throws {
        let description = try board(576, shotsPerFrame: 10).open()
        #expect(description.provenance == .simulated)
        #expect(description.kind == "simulated" && description.serial == "SIM-test")
        #expect(description.lanes == 576 && description.wordsPerShot == 9)
        #expect(description.encoding == .toggles)
        #expect(description.maximumPayload == 720)
    }

    @Test("a fixed seed gives the same frames each time, another one gives others")
    func fixedSeeds() throws {
        let frames = try Recording(of: board(576), frames: 8).bytes
        #expect(try Recording(of: board(576), frames: 8).bytes == frames)
        #expect(try Recording(of: board(576, seed: .fixed(2)), frames: 8).bytes != frames)
    }

    @Test("with the kernel's seed no two arrays give the same rows")
    func kernelSeed() throws {
        let first = try Recording(of: board(512, seed: .kernel), frames: 2)
        let second = try Recording(of: board(512, seed: .kernel), frames: 2)
        #expect(Set(first.rows).isDisjoint(with: Set(second.rows)))
    }

    @Test("with the kernel's seed the same devices go different ways")
    func kernelSeedOfShots() throws {
        let chains = Array(repeating: SwitchingChain(p01: 0.5, p10: 0.5), count: 512)
        let rows = try (0..<2).map { _ in
            let array = try board(of: chains, shotsPerFrame: 64, seed: .kernel)
            return Set(try Recording(of: array, frames: 2).rows)
        }
        #expect(rows[0].isDisjoint(with: rows[1]))
    }

    @Test("a new start numbers frames from 0 again and repeats no shot")
    func restart() throws {
        let array = try board(512)
        let first = try Recording(of: array, frames: 4)
        let second = try Recording(of: array, frames: 4)
        #expect(second.headers == first.headers)
        #expect(Set(first.rows).isDisjoint(with: Set(second.rows)))
    }

    @Test("no shot of a long run comes twice")
    func noRepetition() throws {
        let chains = Array(repeating: SwitchingChain(p01: 0.5, p10: 0.5), count: 576)
        let array = try board(of: chains, shotsPerFrame: 256, seed: .fixed(3))
        let rows = try Recording(of: array, frames: 100).rows
        #expect(Set(rows).count == rows.count)
    }
}
