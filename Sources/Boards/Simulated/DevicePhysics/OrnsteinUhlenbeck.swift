// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A quantity that wanders and is pulled back to 0: the slow drift of a device.
package struct OrnsteinUhlenbeck: Sendable, Equatable {
    /// Standard deviation in the long run.
    package let deviation: Double
    /// Time in s after which a deviation has decayed to 1/e.
    package let seconds: Double

    package init(deviation: Double, seconds: Double) {
        precondition(deviation >= 0 && seconds > 0)
        self.deviation = deviation
        self.seconds = seconds
    }

    /// The value `time` s after `value`, exactly (Gillespie 1996):
    /// x·e^(−t/τ) + σ·√(1 − e^(−2t/τ))·n with a standard normal n.
    package func value(after time: Double, from value: Double, normal: Double) -> Double {
        let rest = exp(-time / seconds)
        return value * rest + deviation * (-expm1(-2 * time / seconds)).squareRoot() * normal
    }
}
