// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A macrospin in double precision, one trajectory at a time, with normal noise: the equation as
/// `ck_advance_macrospins` has it, with nothing made fast.
package struct ScalarMacrospin {
    /// Angles of rotation in a step.
    package struct Step: Sendable {
        package var bias: Double
        package var easyAxis: Double
        package var anisotropy: Double
        package var noise: Double
        package var damping: Double

        package init(
            bias: Double, easyAxis: Double, anisotropy: Double, noise: Double, damping: Double
        ) {
            self.bias = bias
            self.easyAxis = easyAxis
            self.anisotropy = anisotropy
            self.noise = noise
            self.damping = damping
        }
    }

    package var magnetisation: SIMD3<Double>

    package init(_ magnetisation: SIMD3<Double>) {
        self.magnetisation = magnetisation
    }

    package mutating func advance(
        _ step: Step, steps: Int, using generator: inout some RandomNumberGenerator
    ) {
        for _ in 0..<steps {
            let noise = Self.normals(using: &generator) * step.noise
            let first = Self.change(magnetisation, step, noise)
            let second = Self.change(magnetisation + first, step, noise)
            magnetisation += (first + second) / 2
            magnetisation /= (magnetisation * magnetisation).sum().squareRoot()
        }
    }

    /// −m×B − α·m×(m×B).
    private static func change(
        _ m: SIMD3<Double>, _ step: Step, _ noise: SIMD3<Double>
    ) -> SIMD3<Double> {
        let field = SIMD3(step.bias, 0, step.easyAxis + step.anisotropy * m.z) + noise
        let torque = cross(m, field)
        return -torque - step.damping * cross(m, torque)
    }

    private static func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }

    /// Standard normal numbers (Box and Muller 1958).
    private static func normals(
        using generator: inout some RandomNumberGenerator
    ) -> SIMD3<Double> {
        func radius() -> Double {
            (-2 * log(1 - Double.random(in: 0..<1, using: &generator))).squareRoot()
        }
        let first = 2 * Double.pi * Double.random(in: 0..<1, using: &generator)
        let second = 2 * Double.pi * Double.random(in: 0..<1, using: &generator)
        let (a, b) = (radius(), radius())
        return SIMD3(a * cos(first), a * sin(first), b * cos(second))
    }
}
