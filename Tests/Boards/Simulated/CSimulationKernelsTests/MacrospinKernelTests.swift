// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import CSimulationKernels
import Glibc
import MacrospinReference
import TestMaterials
import TestSupport
import Testing

/// The nominal device at 300 K in steps of 2 ps: 0.345 rad a step and T.
private let pulse = ck_macrospin_step(
    bias: 0.00704, easy_axis: 0.0007, anisotropy: -0.0006, noise: 0.00486, damping: 0.03)

private func advance(
    _ features: ck_features, _ step: ck_macrospin_step, groups: Int, steps: Int, seed: UInt64
) -> [Float] {
    var random = SeededGenerator(seed)
    var generator = ck_generator()
    withUnsafeMutableBytes(of: &generator) { bytes in
        for (index, word) in random.words(32).enumerated() {
            bytes.storeBytes(of: word, toByteOffset: 8 * index, as: UInt64.self)
        }
    }
    // Towards −z.
    var spins = (0..<groups * 48).map { Float($0 % 48 < 32 ? 0 : -1) }
    var step = step
    ck_advance_macrospins(features, &generator, &step, &spins, groups, steps)
    return spins
}

@Suite(
    "Macrospin kernel: every path alike; without noise the scalar trajectory, with it the scalar moments; unit vectors stay so"
)
struct MacrospinKernelTests {
    @Test("every path gives the same trajectories, to the last bit", arguments: [1, 3, 8])
    func paths(groups: Int) {
        let portable = advance(0, pulse, groups: groups, steps: 501, seed: 1)
        for path in KernelPath.strips {
            let spins = advance(path.features, pulse, groups: groups, steps: 501, seed: 1)
            #expect(spins == portable, "\(path)")
        }
        #expect(advance(0, pulse, groups: groups, steps: 501, seed: 2) != portable)
    }

    @Test("without noise it is the trajectory of the reference")
    func deterministic() {
        var quiet = pulse
        quiet.noise = 0
        let spins = advance(ck_features_here(), quiet, groups: 1, steps: 1000, seed: 1)
        var scalar = ScalarMacrospin(SIMD3(0, 0, -1))
        var random = SeededGenerator(1)
        scalar.advance(ScalarMacrospin.Step(quiet), steps: 1000, using: &random)
        for component in 0..<3 {
            for lane in 0..<16 {
                let difference =
                    Double(spins[16 * component + lane]) - scalar.magnetisation[component]
                #expect(abs(difference) < 1e-4)
            }
        }
    }

    @Test("vectors stay unit vectors, however long they turn")
    func length() {
        let spins = advance(ck_features_here(), pulse, groups: 4, steps: 20_000, seed: 3)
        for group in 0..<4 {
            for lane in 0..<16 {
                let squares = (0..<3).map { spins[48 * group + 16 * $0 + lane] }.map { $0 * $0 }
                #expect(abs(squares.reduce(0, +) - 1) < 1e-5)
            }
        }
    }

    /// Mean and mean square of every component, with their standard errors.
    private struct Moments {
        private var sums = [Double](repeating: 0, count: 6)
        private var squares = [Double](repeating: 0, count: 6)
        private var count = 0.0

        mutating func add(_ vector: [Double]) {
            for (index, value) in (vector + vector.map { $0 * $0 }).enumerated() {
                sums[index] += value
                squares[index] += value * value
            }
            count += 1
        }

        func zScores(against other: Moments) -> [Double] {
            (0..<6).map { index in
                let (a, b) = (sums[index] / count, other.sums[index] / other.count)
                let variance =
                    (squares[index] / count - a * a) / count
                    + (other.squares[index] / other.count - b * b) / other.count
                return (a - b) / variance.squareRoot()
            }
        }
    }

    /// Moments after 450 ps from −z.
    private static func kernelMoments(_ step: ck_macrospin_step) -> Moments {
        let groups = 1250
        let spins = advance(ck_features_here(), step, groups: groups, steps: 225, seed: 4)
        var moments = Moments()
        for group in 0..<groups {
            for lane in 0..<16 {
                moments.add((0..<3).map { Double(spins[48 * group + 16 * $0 + lane]) })
            }
        }
        return moments
    }

    @Test("sums of uniform numbers as noise give the moments that normal noise gives", .thorough)
    func weakScheme() {
        var random = SeededGenerator(5)
        var expected = Moments()
        for _ in 0..<10_000 {
            var scalar = ScalarMacrospin(SIMD3(0, 0, -1))
            scalar.advance(ScalarMacrospin.Step(pulse), steps: 225, using: &random)
            expected.add((0..<3).map { scalar.magnetisation[$0] })
        }
        let scores = Self.kernelMoments(pulse).zScores(against: expected)
        #expect(scores.allSatisfy { abs($0) < zLimit }, "\(scores)")
        // A noise that is 10 % too strong would be noticed.
        var stronger = pulse
        stronger.noise *= 1.1
        let others = Self.kernelMoments(stronger).zScores(against: expected)
        #expect(others.contains { abs($0) > zLimit }, "\(others)")
    }
}

extension ScalarMacrospin.Step {
    fileprivate init(_ step: ck_macrospin_step) {
        self.init(
            bias: Double(step.bias), easyAxis: Double(step.easy_axis),
            anisotropy: Double(step.anisotropy), noise: Double(step.noise),
            damping: Double(step.damping))
    }
}
