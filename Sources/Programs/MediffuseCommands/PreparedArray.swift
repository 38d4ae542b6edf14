// SPDX-License-Identifier: Apache-2.0

import Diffusion
import Glibc

/// Leased lanes at their weak point, and what they do there.
struct PreparedArray {
    /// What to prepare.
    struct Settings {
        var flipProbability = 0.01
        var amplitudeMillivolts = 2_300.0
        var loads = 64
        var chopping: Int?
        var trims = true
        /// The correlation that the schedule ends with.
        var endCorrelation: Double
    }

    /// The most pulses of a load.
    static let mostPulses = 20_000

    let lease: ArrayLease
    let calibration: ProcessCalibration

    /// Finds the weak point, trims the lanes, and measures the curve down to where the schedule ends.
    init(_ lease: ArrayLease, _ settings: Settings, _ progress: ProgressBar) throws(Failure) {
        self.lease = lease
        calibration = try DiffusionError.failing { () throws(DiffusionError) in
            try WeakPointSearch(
                flipProbability: settings.flipProbability, amplitudeMillivolts: settings.amplitudeMillivolts
            ).perform(on: lease, progress: progress.handler("weak point", unit: "points"))
            if settings.trims {
                try LaneTrimming().perform(on: lease, progress: progress.handler("trims", unit: "rounds"))
            }
            return try Self.measure(lease, settings, progress)
        }
        progress.clear()
    }

    /// Measures twice as many pulses again and again, until the schedule is reached or there are too many.
    private static func measure(
        _ lease: ArrayLease, _ settings: Settings, _ progress: ProgressBar
    ) throws(DiffusionError) -> ProcessCalibration {
        let forgotten = log(settings.endCorrelation) / log(1 - 2 * settings.flipProbability)
        var pulses = Int((1.3 * forgotten).rounded(.up))
        while true {
            let calibration = try ProcessCalibration.measure(
                lease, .init(mostPulses: pulses, loads: settings.loads, chopping: settings.chopping),
                progress: progress.handler("calibration", unit: "loads"))
            guard calibration.curve.smallestCorrelation > settings.endCorrelation, 2 * pulses <= mostPulses else {
                return calibration
            }
            pulses *= 2
        }
    }
}
