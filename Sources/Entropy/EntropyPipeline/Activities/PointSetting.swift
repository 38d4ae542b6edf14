// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol

/// Sets the operating point, while the stream is stopped. The lanes restart, including their trims.
final class PointSetting: Activity {
    private let point: OperatingPoint
    private let job: BoardJob
    private let context: ActivityContext

    init(_ point: OperatingPoint, _ job: BoardJob, _ context: ActivityContext) {
        self.point = point
        self.job = job
        self.context = context
    }

    func advance() throws(BoardError) -> ActivityResult? {
        let stream = context.stream
        guard !job.isCancelled else { return .failed(.cancelled) }
        guard let tunable = stream.tunable, let tuning = stream.description.tuning else {
            return .failed(.notTunable)
        }
        if let violation = tuning.violation(of: point) { return .failed(.outOfRange(violation)) }
        context.lifecycle.handle(.boardWithheld(.settingPoint))
        context.book.rememberPoint(of: stream.description)
        try stream.restart { () throws(BoardError) in try stream.drive(tunable, at: point) }
        context.book.forgetPoint(of: stream.description)
        stream.adopt(point)
        context.book.report(.operatingPointSet(point))
        return ActivityResult(.finished, restart: .trims)
    }
}
