// SPDX-License-Identifier: Apache-2.0

import DenoisingNetworks
import TestSupport
import Testing

@Suite("Networks against PyTorch: `scripts/train golden` made the outputs, weights and inputs follow from a formula")
struct GoldenVectorTests {
    private static let shares = [0.0005, 0.4, 0.998]
    private static let images = 3
    private let folder = TemporaryDirectory()
    private let golden: Safetensors

    init() throws { golden = try Safetensors(fixture("networks.safetensors")) }

    private func golden(_ name: String) throws -> [Float] {
        try golden.floats(of: #require(golden.entries[name]), name: name)
    }

    private func distance(_ found: [Float], _ expected: [Float]) -> Float {
        found.count == expected.count ? zip(found, expected).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }

    private func path(of network: FormulaNetwork) throws -> String {
        let path = folder.file("weights")
        try write(network.file(), to: path)
        return path
    }

    @Test("a denoiser predicts the same images to 1e-4", arguments: FormulaNetwork.all.prefix(4))
    func denoiser(_ network: FormulaNetwork) throws {
        let denoiser = try NetworkDenoiser(path: path(of: network))
        let noisy = network.inputs(count: Self.images)
        let labels: [Int?] = network.labels == 0 ? [nil, nil, nil] : [0, nil, network.labels - 1]
        for (index, share) in Self.shares.enumerated() {
            var clean = [Float](repeating: 0, count: noisy.count)
            denoiser.predict(noisy: noisy, signalShare: share, labels: labels, into: &clean)
            #expect(distance(clean, try golden("\(network.name).\(index)")) < 1e-4)
        }
    }

    @Test("a classifier finds the same features and labels", arguments: FormulaNetwork.all.suffix(2))
    func classifier(_ network: FormulaNetwork) throws {
        let classifier = try ImageClassifier(path: path(of: network))
        let result = classifier.classify(network.inputs(count: Self.images))
        #expect(distance(result.features, try golden("\(network.name).features")) < 1e-4)
        let logits = try golden("\(network.name).logits")
        let labels = (0..<Self.images).map { image in
            (0..<network.labels).max { logits[image * network.labels + $0] < logits[image * network.labels + $1] }
        }
        #expect(result.labels == labels)
    }

    @Test("a weight that is changed shows", arguments: FormulaNetwork.all.prefix(4))
    func negativeControl(_ network: FormulaNetwork) throws {
        let path = folder.file("changed")
        let bytes = network.file { file in
            for index in file.tensors.indices where file.tensors[index].name == "condition.label.weight" {
                file.tensors[index].data[1] ^= 0x40
            }
        }
        try write(bytes, to: path)
        let noisy = network.inputs(count: Self.images)
        var clean = noisy
        let label: Int? = network.labels == 0 ? nil : 0
        try NetworkDenoiser(path: path).predict(
            noisy: noisy, signalShare: 0.4, labels: [label, nil, nil], into: &clean)
        #expect(distance(clean, try golden("\(network.name).1")) > 1e-3)
    }

    @Test(
        "the result does not depend on threads and on how many images there are",
        arguments: FormulaNetwork.all.prefix(4))
    func batches(_ network: FormulaNetwork) throws {
        let path = try path(of: network)
        let count = network.architecture == "dense-1" ? 600 : 21
        let pixels = network.height * network.width
        let noisy = mixed(stream: 3_000, count: count * pixels)
        let labels: [Int?] = (0..<count).map { network.labels == 0 ? nil : $0 % network.labels }
        var whole = noisy
        try NetworkDenoiser(path: path, threads: 3).predict(
            noisy: noisy, signalShare: 0.3, labels: labels, into: &whole)
        let single = try NetworkDenoiser(path: path, threads: 1)
        for image in [0, 7, count - 1] {
            var one = [Float](repeating: 0, count: pixels)
            let range = image * pixels..<(image + 1) * pixels
            single.predict(noisy: Array(noisy[range]), signalShare: 0.3, labels: [labels[image]], into: &one)
            #expect(distance(one, Array(whole[range])) < 1e-4)
        }
        var none: [Float] = []
        single.predict(noisy: [], signalShare: 0.3, labels: [], into: &none)
        #expect(none.isEmpty)
    }

    @Test("the Fréchet distance is that of scipy's matrix root, also for a singular covariance")
    func frechet() throws {
        let first = Moments(of: mixed(stream: 2_000, count: 300), dimension: 6)
        var values = mixed(stream: 2_001, count: 240)
        for row in 0..<40 { values[6 * row + 3] = 2 * values[6 * row + 2] }
        let second = Moments(of: values, dimension: 6)
        // trace(scipy.linalg.sqrtm(C₁ @ C₂)) and the rest gives 1.0210048114.
        #expect(abs(first.frechetDistance(to: second) - 1.0210048114) < 1e-6)
        #expect(abs(first.frechetDistance(to: second) - second.frechetDistance(to: first)) < 1e-9)
        #expect(abs(first.frechetDistance(to: first)) < 1e-9)
        #expect(abs(Double(try golden("frechet")[0]) - 1.0210048114) < 1e-6)
    }

    @Test("a distance of normal distributions in one dimension is that of the formula")
    func oneDimension() {
        let first = Moments(mean: [1], covariance: [4]), second = Moments(mean: [4], covariance: [9])
        #expect(abs(first.frechetDistance(to: second) - (9 + 1)) < 1e-12)
    }
}
