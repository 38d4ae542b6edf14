// SPDX-License-Identifier: Apache-2.0

package import Diffusion
import Foundation
import TestSupport

/// Random numbers that are the same in every run.
package final class SeededSource: RandomSource {
    private var generator: SeededGenerator

    package init(_ seed: UInt64) { generator = SeededGenerator(seed) }

    package func fill(_ words: inout [UInt64]) { words = generator.words(words.count) }

    package func fillNormal(_ samples: inout [Float]) {
        for index in samples.indices {
            let radius = (-2 * log(Double.random(in: .leastNonzeroMagnitude...1, using: &generator))).squareRoot()
            samples[index] = Float(radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator)))
        }
    }
}

/// A source that has no bits.
package final class EmptySource: RandomSource {
    package init() {}

    package func fill(_ words: inout [UInt64]) throws(DiffusionError) { throw .interrupted }

    package func fillNormal(_ samples: inout [Float]) throws(DiffusionError) { throw .interrupted }
}
