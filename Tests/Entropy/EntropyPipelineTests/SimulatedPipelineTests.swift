// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LaneHealth
import LinuxPlatform
import PlaneTestSupport
import SimulatedBoard
import Synchronization
import TestSupport
import Testing

@Suite(
    "A pipeline over the simulated board: the exact bytes, from a twin of the same seed")
struct SimulatedPipelineTests {
    /// 512 devices, of which four are dead.
    private let dead = [0, 64, 300, 511]
    private var chains: [SwitchingChain] {
        (0..<512).map { dead.contains($0) ? .dead : SwitchingChain(p01: 0.5, p10: 0.5) }
    }

    @Test("puts out the bits of the devices that live, and no others, bit for bit", .thorough)
    func output() throws {
        let source = try makeSource()
        var full: [UInt8] = []
        var raw: [UInt8] = []
        let pipeline = try makePipeline(source)
        try pipeline.start()
        let isEnough = eventually {
            full += source.takeAll(.full)
            raw += source.takeAll(.raw)
            return full.count > 1 << 17 && raw.count > 1 << 17
        }
        let isStopped = try finishes { pipeline.stop() }
        try #require(isEnough && isStopped)
        full += source.takeAll(.full)
        raw += source.takeAll(.raw)
        let twin = try windowsOfTwin(pipeline.status().ledger?.windows ?? 0)
        let expected = ExpectedOutput(windows: Array(twin), raw: raw, inputBytes: 50)
        // Warnings come by chance now and then.
        let failures = pipeline.status().alarms.filter { $0.alarm.severity == .failure }
        #expect(failures.map(\.alarm.lane) == dead)
        #expect(expected.rawIsWhole)
        // The pipeline was stopped with a window in hand at most.
        #expect(expected.full.count - full.count < 1 << 16)
        let isExpected = expected.full.starts(with: full)
        #expect(isExpected)
    }

    @Test("says that its bits are simulated")
    func provenance() throws {
        let pipeline = try makePipeline(makeSource())
        try pipeline.start()
        let isStopped = try finishes { pipeline.stop() }
        #expect(isStopped)
        #expect(pipeline.status().description?.provenance == .simulated)
    }

    private func makeSource() throws -> EntropySource {
        try EntropySource(
            name: "s", provenance: .simulated, raw: EntropyRing(capacity: 1 << 19, locked: false),
            full: EntropyRing(capacity: 1 << 19, locked: false), bitsArrived: Wakeup())
    }

    private func makeBoard() throws -> SimulatedArrayBoard {
        try SimulatedArrayBoard(
            name: "s", devices: .fixed(chains), settings: SimulatedArraySettings(.quarterPeriod),
            shotsPerFrame: 300, seed: .fixed(5))
    }

    private func makePipeline(_ source: EntropySource) throws -> EntropyPipeline {
        EntropyPipeline(
            board: try makeBoard(), source: source,
            settings: PipelineSettings(
                claimedEntropyPerBit: 0.8, startUpWindows: 2, minimumGoodLanesPercent: 50,
                locksMemory: false),
            onEvent: { _ in })
    }

    /// The used bits of the windows after the start-up test, from a second board of the same seed.
    private func windowsOfTwin(_ count: Int) throws -> [[UInt8]] {
        let twin = try makeBoard()
        let description = try twin.open()
        twin.start()
        let frameBytes = FrameHeader.byteCount + description.maximumPayload
        let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: frameBytes, alignment: 8)
        defer { frame.deallocate() }
        var rows: [UInt64] = []
        while rows.count < count * 1024 * 8 {
            #expect(try twin.read(into: frame, milliseconds: 0) == frameBytes)
            rows += frame[FrameHeader.byteCount...].withMemoryRebound(to: UInt64.self) { Array($0) }
        }
        let used = (0..<512).filter { !dead.contains($0) }
        return (2..<count).map { window in
            bits(of: Array(rows[(window * 8192)..<((window + 1) * 8192)]), lanes: used, words: 8)
        }
    }
}
