// SPDX-License-Identifier: Apache-2.0

/// What the trim loop expects of the devices.
package struct TrimSettings: Sendable, Equatable {
    /// Standard deviation of a lane's slow drift, as a probability; more than 0.
    package var driftDeviation: Double
    /// Correlation time of the drift in seconds; more than 0.
    package var driftSeconds: Double

    /// A drift of 1 % over 100 s is at the fast end of what was published (physics of VCMA and SMART
    /// junctions: 0.2 to 1 % over 10² to 10⁴ s).
    package init(driftDeviation: Double = 0.01, driftSeconds: Double = 100) {
        self.driftDeviation = driftDeviation
        self.driftSeconds = driftSeconds
    }

    /// By how much the variance of a lane's probability grows in a second: 2σ²/τ for an
    /// Ornstein–Uhlenbeck process, over times that are short against τ.
    var variancePerSecond: Double { 2 * driftDeviation * driftDeviation / driftSeconds }
}
