// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol
import ControlInterface
import ControlTestSupport
import LinuxPlatform
import Synchronization
import TestSupport
import Testing
import Varlink

@Suite("Operations under way", .timeLimit(.minutes(2)))
struct OperationTests {
    /// Begins calibrations that the test goes on with.
    private final class JobOperator: ControlOperator {
        private let begun = Mutex<BoardJob<Calibrate>?>(nil)

        var job: BoardJob<Calibrate>? { begun.withLock { $0 } }

        var operations: [OperationMethod] {
            [
                OperationMethod(Calibrate.self) { [self] (operation, board) throws(ControlError) in
                    let job = BoardJob(operation)
                    begun.withLock { $0 = job }
                    return job
                }
            ]
        }

        func mayChange(_ peer: PeerCredentials) -> Bool { true }
        func reload() -> any ReloadProgress { fatalError("nobody reloads") }
    }

    private let calibrations = JobOperator()
    private let daemon: FakeDaemon

    init() throws { daemon = try FakeDaemon(changes: calibrations) }

    private static let operation = Calibrate(amplitudes: nil, widths: nil, shotsPerPoint: 1_024)

    private static func progress(_ done: Int) -> Calibrate.Reply {
        Calibrate.Reply(pointsDone: done, pointsTotal: 50, sweep: nil)
    }

    @Test("Progress of another thread reaches the client soon, and in order")
    func progress() throws {
        let client = try ControlClient(path: daemon.path)
        var told: [Calibrate.Reply] = []
        let result = try client.perform(Self.operation) { reply in
            // Where the test is slow, the server repeats itself after a second.
            guard reply != told.last else { return .proceed }
            told.append(reply)
            let job = calibrations.job
            if told.count < 4 {
                job?.tell(Self.progress(told.count))
            } else if told.count == 4 {
                job?.finish(Self.progress(50))
            }
            return .proceed
        }
        #expect(
            told == [try #require(Calibrate.firstReply)] + (1...3).map(Self.progress)
                + [Self.progress(50)])
        #expect(result == Self.progress(50))
    }

    @Test("A client that takes one reply gets the result")
    func result() throws {
        let client = try ControlClient(path: daemon.path)
        let calibrations = calibrations
        let worker = try WorkerThread(name: "test") {
            _ = eventually { calibrations.job != nil }
            for done in 1...50 { calibrations.job?.tell(Self.progress(done)) }
            calibrations.job?.finish(Self.progress(50))
        }
        #expect(try client.perform(Self.operation) == Self.progress(50))
        worker.join()
    }

    @Test("An operation is cancelled when its client has gone, and not before")
    func cancelled() throws {
        do {
            let peer = try RawPeer(path: daemon.path)
            peer.send(
                #"{"method":"org.metrng.Control.Calibrate","parameters":{"shotsPerPoint":1024},"#
                    + #""more":true}"#)
            #expect(peer.receive() != nil)
            #expect(calibrations.job?.isCancelled == false)
        }
        #expect(eventually { calibrations.job?.isCancelled == true })
    }

    @Test(
        "Each failure of an operation is an error of the interface",
        arguments: [
            (.badParameter("widths"), .invalidParameter("widths")),
            (.noFile, .control(.noDescriptor)),
            (.board("gone"), .control(.boardFailed(board: "board0", cause: "gone"))),
            (.notTunable, .control(.notTunable(board: "board0"))),
            (
                .noSuchPreset("p", known: ["q"]),
                .control(.noSuchPreset(board: "board0", preset: "p", presets: ["q"]))
            ),
            (.notSimulated, .control(.notSimulated(board: "board0"))),
            (.badFault("why"), .control(.badFault(reason: "why"))),
            (.recording("full"), .control(.recordingFailed(cause: "full"))),
            (.cancelled, .control(.boardFailed(board: "board0", cause: "it was cancelled"))),
        ] as [(BoardOperationError, VarlinkError)])
    func failures(failure: BoardOperationError, error: VarlinkError) throws {
        let client = try VarlinkClient(path: daemon.path)
        #expect(throws: VarlinkClientError.remote(error)) {
            try client.stream(
                Calibrate.qualifiedName, Self.operation, returning: JSONValue.self
            ) { _ in
                calibrations.job?.fail(failure)
                return .proceed
            }
        }
    }

    @Test("A quantity that is out of range is named with its limits")
    func outOfRange() throws {
        let tuning = Tuning(
            amplitudeMillivolts: 0...3_000, pulseWidthPicoseconds: 0...9_000,
            biasFieldMicrotesla: -1...1, trim: -10...10, trimLatencyShots: 0)
        let violation = try #require(
            tuning.violation(
                of: OperatingPoint(
                    amplitudeMillivolts: 3_001, pulseWidthPicoseconds: 0, biasFieldMicrotesla: 0)))
        let client = try ControlClient(path: daemon.path)
        let expected = ControlClientError.control(
            .outOfRange(
                quantity: "amplitudeMillivolts", value: 3_001, minimum: 0, maximum: 3_000))
        #expect(throws: expected) {
            try client.perform(Self.operation) { _ in
                calibrations.job?.fail(.outOfRange(violation))
                return .proceed
            }
        }
    }
}
