// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diffusion
import EntropyTerms
import Varlink

/// The options of verbs that lease an array and prepare it.
struct ArrayOptions: ParsableArguments {
    @Option(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @Option(parsing: .unconditional, help: "Number of lanes to lease (default: three quarters of the board's).")
    var lanes: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Probability that a pulse flips a device, in per cent.", valueName: "percent"))
    var flipProbability = 1.0

    @Option(parsing: .unconditional, help: ArgumentHelp("Pulse amplitude.", valueName: "mV"))
    var amplitude = 2_300.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Invert the devices after each so many pulses (default: never).", valueName: "pulses"))
    var chop: Int?

    @Flag(inversion: .prefixedNo, help: "Trim the lanes so that all flip alike.")
    var trims = true

    @Option(help: "How the signal fades: cosine or linear.")
    var schedule = ScheduleChoice.cosine

    @Option(parsing: .unconditional, help: "Number of steps of the schedule.")
    var steps = 50

    @Option(parsing: .unconditional, help: "Number of devices of a pixel.")
    var devices = 16

    func validate() throws {
        if let lanes, lanes < 1 { throw ValidationError("--lanes takes a number from 1") }
        guard (0.05...20).contains(flipProbability) else {
            throw ValidationError("--flip-probability takes a number from 0.05 to 20 per cent")
        }
        guard amplitude > 0, amplitude.isFinite else { throw ValidationError("--amplitude takes a number above 0") }
        if let chop, chop < 1 { throw ValidationError("--chop takes a number from 1") }
        guard (2...1_000).contains(steps) else { throw ValidationError("--steps takes a number from 2 to 1,000") }
        guard (1...1_024).contains(devices) else { throw ValidationError("--devices takes a number from 1 to 1,024") }
    }

    var code: ThermometerCode { ThermometerCode(devices: devices) }

    /// Leases the lanes and prepares them.
    ///
    /// - Parameter loads: of the measurement of the curve, of either kind.
    func prepare(
        _ daemon: DaemonOptions, loads: Int, _ progress: ProgressBar, _ console: Console
    ) throws(Failure) -> PreparedArray {
        let shares = DiffusionSchedule.signalShares(schedule.kind, steps: steps)
        let settings = PreparedArray.Settings(
            flipProbability: flipProbability / 100, amplitudeMillivolts: amplitude, loads: loads, chopping: chop,
            trims: trims, endCorrelation: code.correlation(signalShare: shares[steps - 1]))
        return try PreparedArray(try daemon.lease(board, count: lanes, console), settings, progress)
    }

    func makeSchedule(_ curve: FlipCurve) throws(Failure) -> DiffusionSchedule {
        try DiffusionError.failing { () throws(DiffusionError) in
            try DiffusionSchedule(schedule.kind, steps: steps, code: code, curve: curve)
        }
    }
}

struct CalibrateVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Find the weak point of an array, and measure how it forgets.",
        discussion: """
            Lanes are leased, the pulse width is found at which a pulse flips a device with the wanted probability, and the \
            mean state is measured after all 0 and all 1 were written and pulsed. The lanes go back afterwards; nothing \
            stays set.
            """)

    @Option(parsing: .unconditional, help: "Number of loads of all 0, and of all 1.")
    var loads = 64

    @OptionGroup var array: ArrayOptions
    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        guard (1...100_000).contains(loads) else { throw ValidationError("--loads takes a number from 1 to 100,000") }
    }

    func perform(on bench: Workbench) throws(Failure) {
        let prepared = try array.prepare(daemon, loads: loads, ProgressBar(on: bench.console), bench.console)
        let report = CalibrationReport(prepared, try array.makeSchedule(prepared.calibration.curve))
        let text = daemon.json ? try json(report) : report.text
        try bench.console.show(daemon.json || bench.console.showsUnicode ? text : text.inASCII)
    }
}

/// What an array does at its weak point.
struct CalibrationReport: Encodable {
    struct Point: Encodable {
        let pulses: Int
        let correlation, offset, standardError: Double
    }

    let board: String
    @ByName var provenance: Provenance
    let healthEpoch: Int
    let lanes: Int
    /// Lanes that do not flip or are stuck, by their numbers on the board.
    let leftOut: [Int]
    let amplitudeMillivolts, pulseWidthPicoseconds, biasFieldMicrotesla: Double
    let flipProbability: Double
    let curve: [Point]
    /// The pulses of each step of the schedule.
    let schedule: [Int]
    let streamContinues: Bool

    init(_ prepared: PreparedArray, _ schedule: DiffusionSchedule) {
        let (lease, calibration) = (prepared.lease, prepared.calibration)
        board = lease.origin.board
        provenance = lease.origin.provenance
        healthEpoch = lease.origin.healthEpoch
        lanes = lease.laneCount
        leftOut = lease.lanes.indices.filter { calibration.leftOut[$0] }.map { lease.lanes[$0] }
        amplitudeMillivolts = lease.point.amplitudeMillivolts
        pulseWidthPicoseconds = lease.point.widthPicoseconds
        biasFieldMicrotesla = lease.point.biasFieldMicrotesla
        flipProbability = calibration.curve.flipProbability
        curve = calibration.curve.points.map {
            Point(
                pulses: $0.pulses, correlation: $0.correlation, offset: $0.offset, standardError: $0.standardError)
        }
        self.schedule = schedule.steps.map(\.pulses)
        streamContinues = lease.streamContinues
    }

    var text: String {
        let rows = shownPoints.map { point in
            "\(padded("  \(point.pulses)", to: 10))\(padded(rounded(point.correlation), to: 12))"
                + "\(padded(rounded(point.offset), to: 12))\(rounded(point.standardError))\n"
        }
        return banner(provenance, "these devices") + """
            \(board.printable): \(lanes) lanes\(leftOut.isEmpty ? "" : ", of which \(leftOut.count) do not flip")
            Point:    \(rounded(amplitudeMillivolts)) mV, \(rounded(pulseWidthPicoseconds)) ps, \
            \(rounded(biasFieldMicrotesla)) µT
            Flips:    \(rounded(100 * flipProbability)) % a pulse
            Schedule: \(schedule.count) steps, \(schedule.last ?? 0) pulses
            Stream:   \(streamContinues ? "the other lanes gave bits meanwhile" : "no bits were given meanwhile")

              pulses  a           b           ± of each

            """ + rows.joined()
    }
}

extension CalibrationReport {
    /// Points of which each has about twice the pulses of the one before it.
    private var shownPoints: [Point] {
        var shown: [Point] = []
        for point in curve where point.pulses > 0 && point.pulses >= 2 * (shown.last?.pulses ?? 0) {
            shown.append(point)
        }
        return shown
    }
}

/// A number with at most four decimal places.
func rounded(_ value: Double) -> String {
    let scaled = (value * 1e4).rounded() / 1e4
    return Int(exactly: scaled).map(String.init) ?? "\(scaled)"
}
