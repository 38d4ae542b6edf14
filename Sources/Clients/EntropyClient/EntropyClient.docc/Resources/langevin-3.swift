// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyTerms
import Glibc

/// The gradient of the log density of two normal distributions with deviation 1, at −2 and 2.
func gradient(_ x: Float) -> Float { 2 * tanhf(2 * x) - x }

let source = try NoiseSource(allowsSimulated: true)
let step: Float = 0.1
var samples = [Float](repeating: 0, count: 4096)
var noise = samples
for _ in 0..<400 {
    try source.fillNormal(&noise, standardDeviation: (2 * step).squareRoot())
    for index in samples.indices { samples[index] += step * gradient(samples[index]) + noise[index] }
}
let share = Float(samples.count { $0 > 0 }) / Float(samples.count)
print("share right of 0: \(share) (0.5 exactly)")
if let origin = source.origin {
    print("made of \(source.report.used) bytes, provenance \(origin.provenance.name), grade \(origin.grade.name)")
}
