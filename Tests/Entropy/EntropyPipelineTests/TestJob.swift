// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol
import EntropyPipeline
import OperatingPointControl
import TestSupport
import Testing

/// An operation that a test asks of a pipeline, whatever its type.
struct TestTask: Sendable {
    let begin: @Sendable (EntropyPipeline) -> TestJob?

    static func setOperatingPoint(_ point: OperatingPoint) -> TestTask {
        task(SetOperatingPoint(PartialOperatingPoint(point))) { reply in
            #expect(reply.operatingPoint == point)
            return .finished
        }
    }

    static func sweep(_ operation: Calibrate) -> TestTask {
        TestTask { pipeline in
            pipeline.begin(operation).map { job in
                TestJob(job, progress: { ($0.pointsDone, $0.pointsTotal) }) { reply in
                    #expect(reply.pointsDone == reply.pointsTotal)
                    return reply.sweep.map { .swept($0.sweep) } ?? .finished
                }
            }
        }
    }

    static func record(_ sink: TestSink) -> TestTask {
        TestTask { pipeline in
            pipeline.begin(sink.recording, into: sink).map { job in
                TestJob(job, progress: { ($0.shotsDone, $0.shotsTotal) }) { reply in
                    #expect(reply.bytes == sink.byteCount)
                    return .recorded(shots: reply.shotsDone)
                }
            }
        }
    }

    static func inject(_ order: FaultOrder) -> TestTask {
        task(
            InjectFault(
                fault: order.fault.text, lanes: order.lanes, afterShots: Int(order.afterShots),
                forShots: order.forShots.map { Int($0) })
        ) { _ in .finished }
    }

    static let clearFaults = task(InjectFault(fault: InjectFault.none)) { _ in .finished }

    private static func task<Operation: PipelineOperation>(
        _ operation: Operation, result: @escaping @Sendable (Operation.Reply) -> TestJob.State
    ) -> TestTask {
        TestTask { pipeline in
            pipeline.begin(operation).map { TestJob($0, progress: { _ in (0, 0) }, result: result) }
        }
    }
}

/// The job of a test's operation.
final class TestJob: Sendable {
    enum State: Sendable {
        case running(done: Int, total: Int)
        case finished
        case swept(Sweep)
        case recorded(shots: Int)
        case failed(BoardOperationError)
    }

    private let look: @Sendable () -> State
    let cancel: @Sendable () -> Void

    init<Operation: BoardOperation>(
        _ job: BoardJob<Operation>,
        progress: @escaping @Sendable (Operation.Reply) -> (done: Int, total: Int),
        result: @escaping @Sendable (Operation.Reply) -> State
    ) {
        cancel = { job.cancel() }
        look = {
            switch job.state {
            case .running(let reply):
                let (done, total) = reply.map(progress) ?? (0, 0)
                return .running(done: done, total: total)
            case .finished(let reply): return result(reply)
            case .failed(let error): return .failed(error)
            }
        }
    }

    var state: State { look() }

    /// Waits for the end of the job.
    func end() throws -> State {
        try #require(eventually { !state.isRunning }, "the job does not end")
        return state
    }

    /// Why it failed; nil when it did not.
    var failure: BoardOperationError? { state.failure }
}

extension TestJob.State {
    var isRunning: Bool { if case .running = self { true } else { false } }
    var isFinished: Bool { if case .finished = self { true } else { false } }
    var failure: BoardOperationError? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}

extension EntropyPipeline {
    func begin(_ task: TestTask) -> TestJob? { task.begin(self) }
}
