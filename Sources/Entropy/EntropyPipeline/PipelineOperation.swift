// SPDX-License-Identifier: Apache-2.0

import BoardInterface
package import BoardOperations

/// An operation that a pipeline can do. The conformance stands beside the activity that does it.
package protocol PipelineOperation: BoardOperation {
    /// What the pipeline's thread does for a job.
    static func work(for job: BoardJob<Self>) -> PipelineWork
}

/// What the pipeline's thread does for a job.
package struct PipelineWork: Sendable {
    enum Kind: Sendable {
        /// An activity, which needs an open board.
        case activity(@Sendable (ActivityContext) -> any Activity)
        /// Something that is done at once, in whatever state the pipeline is.
        case action(@Sendable (any Board, LaneBook) -> JobOutcome)
    }

    let kind: Kind

    var needsOpenBoard: Bool {
        switch kind {
        case .activity: true
        case .action: false
        }
    }

    static func activity(
        _ make: @escaping @Sendable (ActivityContext) -> any Activity
    ) -> PipelineWork { PipelineWork(kind: .activity(make)) }

    /// - Parameter perform: does the operation, and gives the reply.
    static func action<Operation: BoardOperation>(
        for job: BoardJob<Operation>,
        _ perform:
            @escaping @Sendable (
                any Board, LaneBook
            ) throws(BoardOperationError) -> Operation.Reply
    ) -> PipelineWork {
        PipelineWork(
            kind: .action { board, book in
                do throws(BoardOperationError) {
                    return .finished(job, try perform(board, book))
                } catch {
                    return .failed(error)
                }
            })
    }
}

/// How a job ended. Its client is told of it once the pipeline can take another job.
enum JobOutcome {
    /// The pipeline has done its part. `tell` ends the job, at once or later.
    case finished(tell: () -> Void)
    case failed(BoardOperationError)

    static func finished<Operation: BoardOperation>(
        _ job: BoardJob<Operation>, _ result: Operation.Reply
    ) -> JobOutcome {
        .finished { job.finish(result) }
    }
}

/// A job as the pipeline's thread sees it, whatever its operation is.
struct PipelineJob: Sendable {
    let handle: any JobHandle
    let work: PipelineWork
}

/// The members of a job that do not depend on its operation.
protocol JobHandle: AnyObject, Sendable {
    func cancel()
    func fail(_ error: BoardOperationError)
}

extension BoardJob: JobHandle {}
