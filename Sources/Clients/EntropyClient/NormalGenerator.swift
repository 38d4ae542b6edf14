// SPDX-License-Identifier: Apache-2.0

/// Normal numbers one at a time, with the methods of the random sources of Apple's ml-stable-diffusion. That package's
/// `normalShapedArray` is an `MLShapedArray` of `normalArray` and the shape.
///
/// There is no seed, and no substitute for the bits: when the daemon goes away, a call ends the program with a message
/// that says why. A program that wants to decide for itself uses `NoiseSource`. Copies share the source, and never give
/// the same number twice.
public struct NormalGenerator: Sendable {
    private let source: NoiseSource

    /// Numbers made of the bits of `source`.
    public init(_ source: NoiseSource) { self.source = source }

    /// A normal number.
    public mutating func nextNormal(mean: Double = 0, stdev: Double = 1) -> Double {
        var sample: InlineArray<1, Double> = [0]
        var span = sample.mutableSpan
        fill(&span, mean, stdev)
        return sample[0]
    }

    /// `count` independent normal numbers.
    public mutating func normalArray(_ count: Int, mean: Double = 0, stdev: Double = 1) -> [Double] {
        var samples = [Double](repeating: 0, count: count)
        var span = samples.mutableSpan
        fill(&span, mean, stdev)
        return samples
    }

    private func fill(_ samples: inout MutableSpan<Double>, _ mean: Double, _ stdev: Double) {
        do {
            try source.fillNormal(&samples, mean: mean, standardDeviation: stdev)
        } catch {
            fatalError("no random numbers: \(error)")
        }
    }
}
