// SPDX-License-Identifier: Apache-2.0

import CNetworkKernels
import Glibc

/// The vectors that tell a denoiser how noisy its images are, and their labels.
struct Conditioning {
    private static let frequencies = 16

    let width: Int
    private let noise1, noise2: LinearLayer
    private let labels: [Float]
    private let labelCount: Int

    init(_ file: inout ModelFile, labelCount: Int, width: Int) throws(ModelError) {
        noise1 = try LinearLayer(&file, "condition.noise1", inputs: 2 * Self.frequencies, outputs: width)
        noise2 = try LinearLayer(&file, "condition.noise2", inputs: width, outputs: width)
        labels = try file.take("condition.label.weight", [labelCount + 1, width])
        (self.width, self.labelCount) = (width, labelCount)
    }

    /// A vector for each label that occurs, and which of them is that of each image.
    struct Vectors {
        let values: [Float]
        let which: [Int32]
    }

    /// - Parameters:
    ///   - signalShare: ᾱ.
    ///   - wanted: the label of each image, nil for none.
    func vectors(signalShare: Double, labels wanted: [Int?]) -> Vectors {
        var numbers = [Int32](repeating: -1, count: labelCount + 1)
        var present: [Int] = []
        let which = wanted.map { label -> Int32 in
            let place = label ?? labelCount
            if numbers[place] < 0 {
                numbers[place] = Int32(present.count)
                present.append(place)
            }
            return numbers[place]
        }
        let noise = noiseVector(signalShare: signalShare)
        var values = present.flatMap { labels[$0 * width..<($0 + 1) * width] }
        nk_add_silu(kernelFeatures, &values, present.count, width, noise, nil)
        return Vectors(values: values, which: which)
    }

    private func noiseVector(signalShare: Double) -> [Float] {
        let logSNR = log(signalShare) - log1p(-signalShare)
        let angles = (0..<Self.frequencies).map { 0.05 * pow(2, Double($0) / 3) * logSNR }
        var hidden = [Float](repeating: 0, count: width)
        noise1.multiply(angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }, count: 1, into: &hidden)
        nk_add_silu(kernelFeatures, &hidden, 1, width, noise1.bias, nil)
        var noise = [Float](repeating: 0, count: width)
        noise2.apply(hidden, count: 1, into: &noise)
        return noise
    }
}
