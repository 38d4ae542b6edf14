// SPDX-License-Identifier: Apache-2.0

package import Diffusion
import Foundation

/// A denoiser of a distribution of a few images, whose mean clean image given the noisy one is known exactly.
package final class ExactDenoiser: Denoiser {
    /// An image of the distribution.
    package struct Member: Sendable {
        package let image: [Float]
        package let weight: Double
        package let label: Int

        package init(_ image: [Float], weight: Double = 1, label: Int = 0) {
            self.image = image
            self.weight = weight
            self.label = label
        }
    }

    /// The law of the noise.
    package enum Noise: Sendable {
        case gaussian
        /// The counts of devices, of which the noisy images were made without an offset.
        case devices(ThermometerCode)
    }

    package let shape: ImageShape
    package let labelCount: Int
    private let members: [Member]
    private let noise: Noise
    /// Is added to what is predicted: for controls.
    private let bias: Float
    private var likelihoods: (correlation: Double, table: [[Double]])?

    /// The noisy images of each call, the first one first.
    package private(set) var seen: [(signalShare: Double, noisy: [Float])] = []

    package init(_ members: [Member], shape: ImageShape, noise: Noise, bias: Float = 0) {
        self.members = members
        self.shape = shape
        self.noise = noise
        self.bias = bias
        labelCount = (members.map(\.label).max() ?? 0) + 1
    }

    package func predict(noisy: [Float], signalShare: Double, labels: [Int?], into cleanImages: inout [Float]) {
        seen.append((signalShare, noisy))
        for (image, label) in labels.enumerated() {
            let pixels = image * shape.pixels..<(image + 1) * shape.pixels
            let mean = mean(Array(noisy[pixels]), signalShare, label)
            for (offset, pixel) in pixels.enumerated() { cleanImages[pixel] = Float(mean[offset]) + bias }
        }
    }

    private func mean(_ noisy: [Float], _ signalShare: Double, _ label: Int?) -> [Double] {
        let candidates = members.filter { label == nil || $0.label == label }
        let logs = candidates.map { log($0.weight) + logLikelihood(noisy, of: $0.image, signalShare) }
        let largest = logs.max() ?? 0
        let weights = logs.map { exp($0 - largest) }
        let total = weights.reduce(0, +)
        return noisy.indices.map { pixel in
            zip(candidates, weights).reduce(0) { $0 + Double($1.0.image[pixel]) * $1.1 } / total
        }
    }

    private func logLikelihood(_ noisy: [Float], of image: [Float], _ signalShare: Double) -> Double {
        switch noise {
        case .gaussian:
            return zip(noisy, image).reduce(0) { sum, pair in
                let distance = Double(pair.0) - signalShare.squareRoot() * Double(pair.1)
                return sum - distance * distance / (2 * (1 - signalShare))
            }
        case .devices(let code):
            let correlation = code.correlation(signalShare: signalShare)
            let table = table(code, correlation)
            return zip(noisy, image).reduce(0) { sum, pair in
                let start = Int(code.exactCount(of: Double(pair.1)).rounded())
                return sum + log(max(table[start][Self.count(pair.0, code, correlation)], 1e-300))
            }
        }
    }

    /// The count of which a noisy pixel was made.
    package static func count(_ noisy: Float, _ code: ThermometerCode, _ correlation: Double) -> Int {
        let unit = code.noisyImage([0, 1], correlation: correlation)
        return min(max(Int(((noisy - unit[0]) / (unit[1] - unit[0])).rounded()), 0), code.devices)
    }

    private func table(_ code: ThermometerCode, _ correlation: Double) -> [[Double]] {
        if let likelihoods, likelihoods.correlation == correlation { return likelihoods.table }
        let table = (0...code.devices).map { countLaw(start: $0, devices: code.devices, correlation: correlation) }
        likelihoods = (correlation, table)
        return table
    }
}

/// The distribution of the number of devices that are up, of which so many were up at the start.
package func countLaw(start: Int, devices: Int, correlation: Double, offset: Double = 0) -> [Double] {
    let fromUp = binomialLaw(trials: start, probability: (1 + correlation + offset) / 2)
    let fromDown = binomialLaw(trials: devices - start, probability: (1 - correlation + offset) / 2)
    return sumLaw(fromUp, fromDown)
}

/// The distribution of a binomial number.
package func binomialLaw(trials: Int, probability: Double) -> [Double] {
    (0..<trials).reduce([1.0]) { law, _ in sumLaw(law, [1 - probability, probability]) }
}

/// The distribution of the sum of two independent numbers.
package func sumLaw(_ one: [Double], _ other: [Double]) -> [Double] {
    var law = [Double](repeating: 0, count: one.count + other.count - 1)
    for (left, first) in one.enumerated() {
        for (right, second) in other.enumerated() { law[left + right] += first * second }
    }
    return law
}

/// How many standard deviations a chi-square of counts is from what it is expected to be, by the approximation of Wilson
/// and Hilferty. Cells with few expected counts are pooled.
package func chiSquareZ(_ counts: [Int], law: [Double]) -> Double {
    let total = Double(counts.reduce(0, +))
    var cells: [(observed: Double, expected: Double)] = [(0, 0)]
    for (count, probability) in zip(counts, law) {
        if cells[cells.count - 1].expected >= 10 { cells.append((0, 0)) }
        cells[cells.count - 1].observed += Double(count)
        cells[cells.count - 1].expected += probability * total
    }
    if cells.count > 1, let last = cells.last, last.expected < 10 {
        cells.removeLast()
        cells[cells.count - 1].observed += last.observed
        cells[cells.count - 1].expected += last.expected
    }
    let freedom = Double(cells.count - 1)
    guard freedom > 0 else { return 0 }
    let square = cells.reduce(0) { $0 + ($1.observed - $1.expected) * ($1.observed - $1.expected) / $1.expected }
    let scale = 2 / (9 * freedom)
    return (pow(square / freedom, 1.0 / 3) - (1 - scale)) / scale.squareRoot()
}
