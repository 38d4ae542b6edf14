// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many pulses the devices have got at each step of the diffusion process.
public struct DiffusionSchedule: Hashable, Sendable {
    /// How the signal fades.
    public enum Kind: String, CaseIterable, Sendable {
        /// The squared cosine of Nichol and Dhariwal (2021), s = 0.008.
        case cosine
        /// The linear β of Ho et al. (2020), 10⁻⁴ to 0.02 for 1,000 steps, scaled for others.
        case linear
    }

    /// The state of the process at a step.
    public struct Step: Hashable, Sendable {
        /// The number of pulses since the image was written.
        public let pulses: Int
        /// a: the correlation of a device with what was written.
        public let correlation: Double
        /// b: the mean of all devices.
        public let offset: Double
        /// ᾱ: the share of the signal in what a model is shown.
        public let signalShare: Double
    }

    /// The numbers of steps that a schedule may have.
    public static let stepLimits = 2...10_000
    /// The smallest ᾱ: a model can see nothing below it.
    private static let smallestShare = 1e-4
    /// Fewer different steps than this make no images.
    private static let fewestSteps = 8

    /// From the least noise to the most; every step has more pulses than the one before it.
    public let steps: [Step]
    /// The code of the devices.
    public let code: ThermometerCode

    /// Chooses the pulses whose ᾱ are nearest to those of a schedule.
    ///
    /// Steps of the same number of pulses become one, and those of less than half a pulse are left out.
    ///
    /// - Parameters:
    ///   - kind: how the signal fades.
    ///   - count: the number of steps before equal ones are merged, within `stepLimits`.
    ///   - code: of the devices.
    ///   - curve: of the array.
    /// - Throws: `scheduleOutOfReach` or `scheduleTooCoarse`.
    public init(
        _ kind: Kind = .cosine, steps count: Int, code: ThermometerCode, curve: FlipCurve
    ) throws(DiffusionError) {
        precondition(Self.stepLimits.contains(count))
        self.code = code
        let wanted = Self.signalShares(kind, steps: count).map(code.correlation)
        let last = wanted[count - 1]
        guard curve.smallestCorrelation <= last else {
            throw .scheduleOutOfReach(wanted: last, reached: curve.smallestCorrelation, pulses: curve.mostPulses)
        }
        var pulses = wanted.map { Int(curve.pulses(correlation: $0).rounded()) }.filter { $0 > 0 }
        pulses = pulses.indices.filter { $0 == 0 || pulses[$0] > pulses[$0 - 1] }.map { pulses[$0] }
        guard pulses.count >= min(Self.fewestSteps, count) else {
            throw .scheduleTooCoarse(steps: pulses.count, of: count)
        }
        steps = pulses.map { pulses in
            let correlation = curve.correlation(after: Double(pulses))
            return Step(
                pulses: pulses, correlation: correlation, offset: curve.offset(after: Double(pulses)),
                signalShare: code.signalShare(correlation: correlation))
        }
    }

    /// ᾱ of the steps of a schedule, as the literature defines it, at least 10⁻⁴.
    public static func signalShares(_ kind: Kind, steps count: Int) -> [Double] {
        switch kind {
        case .cosine:
            func fading(_ share: Double) -> Double {
                let cosine = cos((share + 0.008) / 1.008 * .pi / 2)
                return cosine * cosine
            }
            return (1...count).map { max(fading(Double($0) / Double(count)) / fading(0), smallestShare) }
        case .linear:
            let scale = 1_000 / Double(count)
            var product = 1.0
            return (0..<count).map { step in
                let beta = scale * (1e-4 + (0.02 - 1e-4) * Double(step) / Double(count - 1))
                product *= 1 - min(beta, 0.999)
                return product
            }
        }
    }
}
