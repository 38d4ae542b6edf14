// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import Testing

/// What happens to a lane: each script is a line a window, with what the tests show, the state after
/// it, and the alarm if there is one.
@Suite(
    "Lane states as scripts: start-up, failure, re-admission, warning")
struct LaneStateTests {
    private static let startUp = [
        LaneScript(
            "start-up takes one window",
            startUpWindows: 1,
            [
                .window(.nothing, .good),
                .window(.nothing, .good),
            ]),
        LaneScript(
            "start-up takes exactly three clean windows",
            startUpWindows: 3,
            [
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .starting(cleanWindows: 2)),
                .window(.nothing, .good),
                .window(.nothing, .good),
            ]),
        LaneScript(
            "a warning in the start-up begins it again, without an alarm",
            startUpWindows: 3,
            [
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .starting(cleanWindows: 2)),
                .window(.repetitionWarning, .starting(cleanWindows: 0)),
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.proportionWarning, .starting(cleanWindows: 0)),
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .starting(cleanWindows: 2)),
                .window(.nothing, .good),
            ]),
    ]

    /// Two periods of the long test, of which one is whole.
    private static let longWindows = 128

    private static let shortfalls = [
        LaneScript(
            "a warning of the long test withholds the lane until a whole period without one has passed",
            startUpWindows: 1,
            [
                .window(.nothing, .good),
                .window(.longWarning, .starting(cleanWindows: 0), alarm: .longPrediction, .warning),
            ] + (1..<longWindows).map { .window(.nothing, .starting(cleanWindows: $0)) } + [.window(.nothing, .good)]),
        LaneScript(
            "so it does with a lane that is warned, and begins a start-up again without another alarm",
            startUpWindows: 2,
            [
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .good),
                .window(.proportionWarning, .warned(cleanWindows: 0), alarm: .adaptiveProportion, .warning),
                .window(.longWarning, .starting(cleanWindows: 0), alarm: .longPrediction, .warning),
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.longWarning, .starting(cleanWindows: 0)),
            ]),
        LaneScript(
            "a failed lane of which the long test warns stays failed",
            startUpWindows: 1,
            [
                .window(.proportionFailure, .failed, alarm: .adaptiveProportion),
                .window(.longWarning, .failed),
                .window(.nothing, .starting(cleanWindows: 0)),
            ]),
    ]

    private static let failures = [
        LaneScript(
            "a failure masks the lane in the very window; the way back is the start-up, twice as long the second time",
            startUpWindows: 2,
            [
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .good),
                .window(.repetitionFailure, .failed, alarm: .repetitionCount),
                .window(.nothing, .starting(cleanWindows: 0)),
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .good),
                .window(.proportionFailure, .failed, alarm: .adaptiveProportion),
                .window(.nothing, .starting(cleanWindows: 0)),
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .starting(cleanWindows: 2)),
                .window(.nothing, .starting(cleanWindows: 3)),
                .window(.nothing, .good),
            ]),
        LaneScript(
            "a failed lane that only warns stays failed",
            startUpWindows: 2,
            [
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .good),
                .window(.proportionFailure, .failed, alarm: .adaptiveProportion),
                .window(.repetitionWarning, .failed),
                .window(.proportionWarning, .failed),
                .window(.nothing, .starting(cleanWindows: 0)),
                .window(.proportionWarning, .starting(cleanWindows: 0)),
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .good),
            ]),
        LaneScript(
            "a failure on the way back is no new alarm, and one of a lane that was good again is",
            startUpWindows: 2,
            [
                .window(.repetitionFailure, .failed, alarm: .repetitionCount),
                .window(.nothing, .starting(cleanWindows: 0)),
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.repetitionFailure, .failed),
                .window(.nothing, .starting(cleanWindows: 0)),
                .window(.proportionFailure, .failed),
            ]
                + [.window(.nothing, .starting(cleanWindows: 0))]
                + (1..<8).map { .window(.nothing, .starting(cleanWindows: $0)) }
                + [
                    .window(.nothing, .good),
                    .window(.proportionFailure, .failed, alarm: .adaptiveProportion),
                    .window(.proportionFailure, .failed),
                ]),
        LaneScript(
            "a lane stuck from the start is never admitted, and alarms once",
            startUpWindows: 2,
            [
                .window(.repetitionFailure, .failed, alarm: .repetitionCount),
                .window(.repetitionFailure, .failed),
                .window(.repetitionFailure, .failed),
                .window(.repetitionFailure, .failed),
                .window(.repetitionFailure, .failed),
                .window(.repetitionFailure, .failed),
                .window(.repetitionFailure, .failed),
            ]),
    ]

    private static let warnings = [
        LaneScript(
            "a warned lane stays admitted, and as many clean windows as start-up takes lift it",
            startUpWindows: 2,
            [
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .good),
                .window(
                    .proportionWarning, .warned(cleanWindows: 0), alarm: .adaptiveProportion,
                    .warning),
                .window(.nothing, .warned(cleanWindows: 1)),
                .window(.nothing, .good),
                .window(
                    .repetitionWarning, .warned(cleanWindows: 0), alarm: .repetitionCount, .warning),
                .window(.nothing, .warned(cleanWindows: 1)),
                .window(.nothing, .good),
            ]),
        LaneScript(
            "a warning of a warned lane begins the count again, without an alarm",
            startUpWindows: 3,
            [
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .starting(cleanWindows: 2)),
                .window(.nothing, .good),
                .window(
                    .repetitionWarning, .warned(cleanWindows: 0), alarm: .repetitionCount, .warning),
                .window(.nothing, .warned(cleanWindows: 1)),
                .window(.proportionWarning, .warned(cleanWindows: 0)),
                .window(.nothing, .warned(cleanWindows: 1)),
                .window(.nothing, .warned(cleanWindows: 2)),
                .window(.nothing, .good),
            ]),
        LaneScript(
            "a warned lane that fails is masked",
            startUpWindows: 3,
            [
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .starting(cleanWindows: 2)),
                .window(.nothing, .good),
                .window(
                    .repetitionWarning, .warned(cleanWindows: 0), alarm: .repetitionCount, .warning),
                .window(.proportionFailure, .failed, alarm: .adaptiveProportion),
                .window(.nothing, .starting(cleanWindows: 0)),
                .window(.nothing, .starting(cleanWindows: 1)),
                .window(.nothing, .starting(cleanWindows: 2)),
                .window(.nothing, .good),
            ]),
    ]

    @Test(
        "a lane goes the way of the script, wherever it is",
        arguments: startUp + shortfalls + failures + warnings, [0, 63, 64, 127])
    func script(script: LaneScript, lane: Int) {
        script.play(lane: lane)
    }

    @Test("start-up takes exactly as many clean windows as it is told", arguments: 1...8)
    func startUpLength(windows: Int) {
        var state = LaneState.initial
        for clean in 0..<windows {
            #expect(state == .starting(cleanWindows: clean))
            #expect(!state.isAdmitted)
            state = state.after(.clean, startUpWindows: windows)
        }
        #expect(state == .good)
    }

    @Test("each failure soon after another one doubles the clean windows wanted, up to 4,096; time lowers them")
    func readmission() {
        var readmission = Readmission(startUpWindows: 2)
        let wanted = (0..<14).map { failure in
            readmission.failed(by: .repetitionCount, window: failure * 1000)
            return readmission.windows
        }
        #expect(wanted == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096])
        readmission.failed(by: .repetitionCount, window: 13_000 + Readmission.memory)
        #expect(readmission.windows == 2)
        readmission.failed(by: .longPrediction, window: 13_000 + 2 * Readmission.memory)
        #expect(readmission.windows == 128, "a whole period of the long test")
    }
}
