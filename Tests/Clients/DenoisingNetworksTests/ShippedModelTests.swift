// SPDX-License-Identifier: Apache-2.0

import DenoisingNetworks
import Diffusion
import Glibc
import TestSupport
import Testing

@Suite("The shipped denoisers draw the digits that they are asked for, from seeded Gaussian noise by DDIM")
struct ShippedModelTests {
    private static let names = ((try? entries(of: repositoryFile("models"))) ?? []).filter { $0.hasPrefix("digits") }

    private static func entries(of path: String) throws -> [String] {
        let directory = try #require(opendir(path))
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { $0.hasSuffix(".safetensors") }.sorted()
    }

    /// Images with the labels, guided, in 25 steps of the cosine schedule.
    private func sample(_ denoiser: NetworkDenoiser, labels: [Int]) -> [Float] {
        let steps = 25
        let shares = (0...steps).reversed().map { step -> Double in
            let share = cos((Double(step) / Double(steps) + 0.008) / 1.008 * .pi / 2)
            return min(max(share * share, 1e-4), 1 - 1e-4)
        }
        var generator = SeededGenerator(1)
        var noisy = (0..<labels.count * denoiser.shape.pixels).map { _ -> Float in
            let radius = sqrt(-2 * log(Double.random(in: Double.leastNonzeroMagnitude...1, using: &generator)))
            return Float(radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator)))
        }
        var (clean, none) = (noisy, noisy)
        for step in 0..<steps {
            denoiser.predict(noisy: noisy, signalShare: shares[step], labels: labels, into: &clean)
            denoiser.predict(
                noisy: noisy, signalShare: shares[step], labels: labels.map { _ in nil }, into: &none)
            let (now, then) = (shares[step], shares[step + 1])
            for index in noisy.indices {
                clean[index] = max(-1, min(1, 1.5 * clean[index] - 0.5 * none[index]))
                let noise = (noisy[index] - Float(now.squareRoot()) * clean[index]) / Float((1 - now).squareRoot())
                noisy[index] = Float(then.squareRoot()) * clean[index] + Float((1 - then).squareRoot()) * noise
            }
        }
        return clean
    }

    @Test("there are denoisers of both sizes")
    func complete() {
        #expect(Self.names.contains { $0.hasPrefix("digits8-") } && Self.names.contains { $0.hasPrefix("digits28-") })
    }

    @Test(
        "nearly all digits are recognised, by a classifier that is not that of the distances", .thorough,
        arguments: names)
    func recognised(name: String) throws {
        let denoiser = try NetworkDenoiser(path: repositoryFile("models/\(name)"))
        let size = denoiser.shape.height
        let labels = (0..<(size == 8 ? 300 : 50)).map { $0 % 10 }
        let images = sample(denoiser, labels: labels)
        let recogniser = try ImageClassifier(path: repositoryFile("models/recogniser\(size).safetensors"))
        let right = zip(recogniser.classify(images).labels, labels).count { $0 == $1 }
        #expect(Double(right) >= 0.9 * Double(labels.count), "\(right) of \(labels.count)")
        guard size == 8 else { return }
        let judgement = try ImageQuality(folder: repositoryFile("models")).judge(images, labels: labels)
        // Wide, as there are few images and steps; those of noise are beyond 5.
        #expect(judgement.featureDistance < 2 && judgement.pixelDistance < 2, "\(judgement)")
    }
}
