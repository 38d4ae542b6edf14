// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import LaneHealth

/// Asks a board from time to time what it measures about its devices.
final class Measuring: Activity {
    /// The number of judged windows from one measurement to the next.
    private static let interval = 256

    private let context: ActivityContext
    /// The number of windows judged since the lanes last started over.
    private var windows = 0

    init(_ context: ActivityContext) { self.context = context }

    func restart(_ restart: LaneRestart) { windows = 0 }

    func take(_ window: HealthWindow, mayWait: Bool) throws(BoardError) -> WindowStep {
        if let tunable = context.stream.tunable, windows.isMultiple(of: Self.interval) {
            try measure(tunable)
        }
        windows += 1
        return .next
    }

    private func measure(_ tunable: any TunableBoard) throws(BoardError) {
        let telemetry = try tunable.telemetry()
        let count = telemetry.resistanceOhms.count
        guard count == context.stream.description.lanes else {
            throw .stalled("it measures \(count) resistances")
        }
        context.book.enter(telemetry)
        if !context.leases.leases.isEmpty { context.leases.end(lanesLost: context.book.brokenLanes) }
    }
}
