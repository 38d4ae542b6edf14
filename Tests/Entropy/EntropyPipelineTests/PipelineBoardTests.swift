// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "A pipeline and its board: boards that cannot be opened or started, fail, or stall; rings too small; memory that cannot be locked"
)
struct PipelineBoardTests {
    @Test("a board that cannot be opened at first is opened again until it can")
    func opensAgain() throws {
        var maker = WindowMaker(lanes: 64)
        let rig = try PipelineRig()
        rig.board.failOpening([.absent("no such device"), .notPermitted("by its mode")])
        rig.send(maker.windows(4))
        try rig.run { rig in
            #expect(rig.states.first == .failed(.absent("no such device")))
            try rig.settle()
            #expect(rig.state == .serving)
            #expect(
                rig.states == [
                    .failed(.absent("no such device")), .failed(.notPermitted("by its mode")),
                    .starting, .serving,
                ])
            #expect(rig.events.contains(.opened(rig.description)))
            #expect(rig.source.deliverableCount(.full) > 0)
        }
        #expect(rig.board.calls.opens == 3)
        #expect(rig.board.calls.closes == 1)
    }

    @Test(
        "a board that cannot be started is closed and opened again, and works from its first frame on"
    )
    func startsAgain() throws {
        var maker = WindowMaker(lanes: 64)
        let rig = try PipelineRig()
        rig.board.failStarting([.stalled("no answer")])
        try rig.run { rig in
            #expect(rig.states.contains(.failed(.stalled("no answer"))))
            try #require(eventually { rig.board.isIdle })
            #expect(rig.state == .failed(.stalled("no answer")))
            #expect(!rig.events.contains(.opened(rig.description)))
            try rig.pass(maker.windows(1))
            #expect(rig.state == .starting)
            #expect(rig.events.contains(.opened(rig.description)))
        }
        let calls = rig.board.calls
        #expect(calls.opens == 2 && calls.starts == 2 && calls.stops == 1 && calls.closes == 2)
    }

    @Test(
        "a board that fails while it is read closes the source, and serves again through start-up")
    func failsMidStream() throws {
        var maker = WindowMaker(lanes: 64)
        let failure = BoardError.absent("unplugged")
        try PipelineRig().run { rig in
            try rig.pass(maker.windows(5))
            #expect(rig.source.deliverableCount(.full) > 0)
            let epoch = rig.source.healthEpoch.load(ordering: .relaxed)
            rig.board.add(.failure(failure))
            try #require(eventually { rig.states.contains(.failed(failure)) })
            #expect(rig.source.takeAll(.full) == [] && rig.source.takeAll(.raw) == [])
            rig.restartFrames()
            let windows = maker.windows(6)
            try rig.pass(windows)
            #expect(rig.states == [.serving, .failed(failure), .starting, .serving])
            #expect(rig.source.healthEpoch.load(ordering: .relaxed) > epoch)
            let raw = rig.source.takeAll(.raw)
            let full = rig.source.takeAll(.full)
            let used = windows[2...].map { bits(of: $0, lanes: .all, words: 1) }
            let expected = ExpectedOutput(windows: used, raw: raw, inputBytes: 50)
            let isExpected = expected.rawIsWhole && full == expected.full
            #expect(isExpected)
        }
    }

    @Test("a board that sends nothing it can use is stalled, and the cause is told")
    func stalls() throws {
        let causes: [(cause: String, send: @Sendable (PipelineRig) -> Void)] = [
            ("nothing came for 2 s", { _ in }),
            ("nothing came for 2 s", sendWithOneDamagedFrame),
            ("it speaks version 2", { Self.send($0) { $0[4] = 2 } }),
            ("no valid frame header", { Self.send($0) { $0[5] = 0xF0 } }),
            ("did not match its own description", { Self.send($0) { $0[5] = 0 } }),
            ("all frames were damaged", { Self.send($0) { $0[500] ^= 1 } }),
            ("a link-test pattern", Self.sendPattern),
            ("repeated earlier frames", Self.sendRepeated),
        ]
        let rigs = try causes.map { _ in try PipelineRig(.init(isBoardPatient: false)) }
        for (rig, cause) in zip(rigs, causes) {
            cause.send(rig)
            try rig.pipeline.start()
        }
        for (rig, cause) in zip(rigs, causes) {
            #expect(eventually { firstStall(rig) != nil })
            #expect(firstStall(rig)?.contains(cause.cause) ?? false, "\(cause.cause)")
            let isStopped = try finishes { rig.pipeline.stop() }
            #expect(isStopped)
            #expect(rig.board.violations == [])
        }
    }

    @Test("a board with more lanes than the rings are made for is refused with the remedy")
    func ringsTooSmall() throws {
        try PipelineRig(.init(lanes: 128, ringBytes: 1 << 14)).run { rig in
            guard case .failed(.unsupported(let cause)) = rig.state else {
                Issue.record("\(rig.state)")
                return
            }
            #expect(cause.contains("128 lanes need rings of 32768 bytes"))
            #expect(cause.contains("rings.rawBytes"))
        }
    }

    @Test("memory that may not be locked is an error at start, and leaves the board closed")
    func lockedMemory() async {
        await #expect(processExitsWith: .success) {
            limitLockableMemory(to: 0)
            becomeNobody()
            guard !isSanitized else { return }
            let board = try ScriptedBoard(.test())
            let ring = { try EntropyRing(capacity: 1 << 16, locked: false) }
            let source = try EntropySource(
                name: "t", provenance: .hardware, raw: ring(), full: ring(),
                bitsArrived: Wakeup())
            let pipeline = EntropyPipeline(
                board: board, source: source,
                settings: PipelineSettings(
                    claimedEntropyPerBit: 0.8, startUpWindows: 1, minimumGoodLanesPercent: 50,
                    locksMemory: true),
                onEvent: { _ in })
            let error = #expect(throws: SystemError.self) { try pipeline.start() }
            #expect(error?.operation == "lock")
            #expect(board.calls.opens == 1 && board.calls.closes == 1)
            #expect(board.violations == [])
        }
    }

    // MARK: Useless streams

    /// Four windows of frames, each of which `damage` was done to.
    private static func send(_ rig: PipelineRig, damage: (inout [UInt8]) -> Void) {
        var maker = WindowMaker(lanes: 64)
        var frames = FrameMaker(rig.description)
        for var frame in maker.windows(4).flatMap({ frames.frames($0) }) {
            damage(&frame)
            rig.board.add(.bytes(frame))
        }
    }

    private static func sendPattern(_ rig: PipelineRig) {
        var frames = FrameMaker(rig.description)
        for _ in 0..<10 {
            let rows = [UInt64](repeating: 0x0123_4567_89ab_cdef, count: 256)
            rig.board.add(.bytes(frames.frame(rows, flags: [.toggleEncoded, .pattern])))
        }
    }

    private static func sendRepeated(_ rig: PipelineRig) {
        var maker = WindowMaker(lanes: 64)
        var frames = FrameMaker(rig.description)
        let frame = frames.frame(Array(maker.window()[..<256]))
        for _ in 0..<10 { rig.board.add(.bytes(frame)) }
    }
}

/// Frames of which one long ago was damaged, and then silence.
private func sendWithOneDamagedFrame(_ rig: PipelineRig) {
    var maker = WindowMaker(lanes: 64)
    var frames = FrameMaker(rig.description)
    for (number, frame) in maker.windows(4).flatMap({ frames.frames($0) }).enumerated() {
        var frame = frame
        if number == 3 { frame[500] ^= 1 }
        rig.board.add(.bytes(frame))
    }
}

/// What the pipeline said when the board stalled for the first time.
private func firstStall(_ rig: PipelineRig) -> String? {
    for case .failed(.stalled(let cause)) in rig.states { return cause }
    return nil
}
