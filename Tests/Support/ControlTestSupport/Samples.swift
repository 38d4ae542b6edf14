// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
package import ControlInterface
import EntropyTerms

/// Made-up reports of a daemon with a healthy simulated board of 512 lanes, for tests to change.
package enum Samples {
    /// The moment the reports were made at: 2026-03-01 12:00:00 UTC.
    package static let now = 1_772_366_400.0

    package static let service = ServiceStatus(
        version: "0.1.0", processId: 4_242, startTime: now - 7_205,
        entropySocket: "/run/metrng/entropy.sock", controlSocket: "/run/metrng/control.sock",
        clients: 3, maximumClients: 64, clientsRefused: 0,
        topClients: [], lockedMemory: true)

    /// One of a service, and one of which nothing but its number is known.
    package static let clients: [ClientStatus] = {
        var known = ClientStatus(
            processId: 4_711, userId: 1_000, since: now - 3_725, age: 3_725,
            deliveredBytes: 67_000_000,
            deliveredBytesPerSecond: 48_000_000)
        known.user = "alice"
        known.unit = "sampler.service"
        known.command = "python3"
        let unknown = ClientStatus(
            processId: 0, userId: 65_534, since: now - 5, age: 5, deliveredBytes: 32,
            deliveredBytesPerSecond: 0)
        return [known, unknown]
    }()

    package static let alarm = AlarmReport(
        time: now - 75, lane: 17, test: "adaptiveProportion", severity: .failure, shot: 4_194_303,
        measuredEntropyPerBit: 0.612)

    package static let board = BoardStatus(
        name: "board0", kind: "simulated", provenance: .simulated, state: .serving,
        stateSince: now - 7_200, cause: nil, remedy: nil, serial: "SIM-0001", path: "built-in",
        firmware: "1.0", lanes: 512,
        laneCounts: LaneCounts(starting: 0, good: 508, warned: 3, failed: 1),
        untrimmableLanes: 0, minimumGoodLanes: 256, healthEpoch: 5,
        operatingPoint: OperatingPoint(
            amplitudeMillivolts: 1_100, pulseWidthPicoseconds: 350, biasFieldMicrotesla: 250),
        encoding: "direct", temperatureCelsius: 41.25, claimedEntropyPerBit: 0.9,
        lowestLaneEntropyPerBit: 0.953, xorFold: 1, shots: 1_234_567_890, shotsPerSecond: 1_000_000,
        rawBytesPerSecond: 64_000_000,
        framesAccepted: 301_408, framesRejected: 2, shotsDropped: 0, windowsDropped: 0,
        creditedBits: 555_555_555_555, newestBitAge: 0.0012,
        rings: [
            RingStatus(
                grade: "raw", capacityBytes: 1_048_576, availableBytes: 1_048_576,
                deliveredBytes: 0, deliveredBytesPerSecond: 0),
            RingStatus(
                grade: "full", capacityBytes: 4_194_304, availableBytes: 2_097_152,
                deliveredBytes: 67_108_864, deliveredBytesPerSecond: 48_250_000),
        ],
        lastFailures: [alarm], lastWarning: nil,
        alarms: [AlarmCount(test: "repetitionCount", count: 2), AlarmCount(test: "adaptiveProportion", count: 2)])

    package static let status = StatusReport(service: service, boards: [board])

    package static let summary = summary(of: board)

    /// A lane of each state, and fractions of ones from 0.46 to 0.54.
    package static let health = BoardHealth(
        name: "board0", provenance: .simulated, state: .serving, recordedFrom: nil, windows: 1_205_632,
        windowShots: 1_024,
        healthEpoch: 5, claimedEntropyPerBit: 0.9, monitoredShots: 1_048_576,
        crossLaneCorrelation: 0.00012, crossLaneState: .good, trimState: .holding,
        untrimmableLanes: 1, trimLimits: TrimLimits(lower: -2_000, upper: 2_000),
        cutoffs: [
            CutoffReport(test: "repetitionCount", warning: 24, failure: 36),
            CutoffReport(test: "adaptiveProportion", warning: 614, failure: 640),
            CutoffReport(test: "crossLane", warning: 1.22, failure: 2.5),
        ],
        laneCounts: LaneCounts(starting: 1, good: 125, warned: 1, failed: 1),
        lanes: (0..<128).map(lane), alarms: [alarm])

    package static let configuration = ConfigurationReport(
        files: ["/etc/metrng/metrngd.yaml"], yaml: "boards:\n  - kind: simulated\n")

    package static func summary(of board: BoardStatus) -> BoardSummary {
        BoardSummary(
            name: board.name, kind: board.kind, provenance: board.provenance, serial: board.serial,
            path: board.path, firmware: board.firmware, lanes: board.lanes,
            goodLanes: board.laneCounts.good + board.laneCounts.warned, state: board.state,
            holder: "metrngd")
    }

    private static func alarms(_ index: Int) -> [AlarmCount] {
        switch index {
        case 17:
            [
                AlarmCount(test: "repetitionCount", count: 2),
                AlarmCount(test: "adaptiveProportion", count: 1),
                AlarmCount(test: "resistance", count: 1),
            ]
        case 40: [AlarmCount(test: "adaptiveProportion", count: 1)]
        default: []
        }
    }

    private static func lane(_ index: Int) -> LaneReport {
        let state: LaneReport.State =
            switch index {
            case 17: .failed
            case 40: .warned
            case 127: .starting
            default: .good
            }
        return LaneReport(
            lane: index, state: state, p: state == .starting ? 0 : 0.46 + Double(index) / 1_600,
            lagOne: (Double(index) - 64) / 10_000, crossLane: (64 - Double(index)) / 5_000,
            measuredEntropyPerBit: state == .starting ? nil : state == .failed ? 0.612 : 0.953 + Double(index) / 8_000,
            bestPredictor: state == .starting ? nil : state == .failed ? .previousShot : .constant,
            trim: 10 * (index - 64), trimState: index == 17 ? .untrimmable : .held,
            resistanceOhms: 4_000 + Double(index),
            alarms: alarms(index))
    }
}
