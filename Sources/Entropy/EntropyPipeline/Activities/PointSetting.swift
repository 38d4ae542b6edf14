// SPDX-License-Identifier: Apache-2.0

import BoardInterface
package import BoardOperations
import BoardProtocol

extension SetOperatingPoint: PipelineOperation {
    package static func work(for job: BoardJob<SetOperatingPoint>) -> PipelineWork {
        .activity { PointSetting(job, $0) }
    }
}

/// Sets the operating point, while the stream is stopped. The lanes restart, including their trims.
final class PointSetting: Activity {
    private let job: BoardJob<SetOperatingPoint>
    private let context: ActivityContext

    init(_ job: BoardJob<SetOperatingPoint>, _ context: ActivityContext) {
        self.job = job
        self.context = context
    }

    func advance() throws(BoardError) -> ActivityResult? {
        let stream = context.stream
        guard !job.isCancelled else { return .failed(.cancelled) }
        guard let tunable = stream.tunable, let tuning = stream.description.tuning else {
            return .failed(.notTunable)
        }
        let present = stream.description.operatingPoint
        let presets = tunable.presets
        let name = job.operation.preset
        guard let base = name.map({ presets[$0] }) ?? present else {
            return .failed(.noSuchPreset(name ?? "", known: presets.keys.sorted()))
        }
        let point = base.replacing(job.operation.point)
        if let violation = tuning.violation(of: point) { return .failed(.outOfRange(violation)) }
        context.lifecycle.handle(.boardWithheld(.settingPoint))
        context.book.rememberPoint(of: stream.description)
        try stream.restart { () throws(BoardError) in try stream.drive(tunable, at: point) }
        context.book.forgetPoint(of: stream.description)
        stream.adopt(point)
        context.book.report(.operatingPointSet(point))
        return ActivityResult(
            .finished(job, SetOperatingPoint.Reply(operatingPoint: point)), restart: .trims)
    }
}
