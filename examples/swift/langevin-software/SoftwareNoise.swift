// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Normal numbers of the system's generator, by the method of Box and Muller.
struct SoftwareNoise {
    func fillNormal(_ samples: inout [Float], standardDeviation: Float) throws {
        for index in samples.indices {
            let radius = (-2 * logf(1 - Float.random(in: 0..<1))).squareRoot()
            samples[index] = standardDeviation * radius * cosf(2 * .pi * Float.random(in: 0..<1))
        }
    }
}
