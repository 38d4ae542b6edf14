// SPDX-License-Identifier: Apache-2.0

public import Diffusion

/// A trained denoiser, read from a file of weights.
///
/// For one thread at a time; a call computes on several. OpenBLAS is kept single-threaded in the whole process.
public final class NetworkDenoiser: Denoiser {
    /// What the file says about itself.
    public let description: ModelDescription
    /// The size of its images.
    public var shape: ImageShape { description.shape }
    /// The number of labels that it knows; 0 for a model without.
    public var labelCount: Int { description.labelCount }

    private let network: any DenoisingNetwork
    private let runner: BatchRunner

    /// Reads a file of weights.
    ///
    /// - Parameter threads: the most threads that a prediction is computed on.
    public init(path: String, threads: Int = 2) throws(ModelError) {
        var file = try ModelFile(
            path: path, architectures: [DenseNetwork.architecture, ConvolutionNetwork.architecture])
        if file.description.architecture == DenseNetwork.architecture {
            network = try DenseNetwork(&file)
        } else {
            network = try ConvolutionNetwork(&file)
        }
        try file.requireAllTaken()
        description = file.description
        runner = BatchRunner(threads: threads, chunk: network.chunk, scratchCount: network.scratchCount)
    }

    /// Predicts clean images; see `Denoiser`. Does not throw.
    public func predict(noisy: [Float], signalShare: Double, labels: [Int?], into cleanImages: inout [Float]) {
        let (pixels, count) = (shape.pixels, labels.count)
        precondition(noisy.count == count * pixels && cleanImages.count == count * pixels)
        precondition(signalShare > 0 && signalShare < 1)
        precondition(labels.allSatisfy { $0.map { (0..<labelCount).contains($0) } ?? true })
        let vectors = network.conditioning.vectors(signalShare: signalShare, labels: labels)
        let additions = network.additions(vectors.values)
        let (signal, noise) = (Float(signalShare.squareRoot()), Float((1 - signalShare).squareRoot()))
        noisy.withUnsafeBufferPointer { noisy in
            vectors.which.withUnsafeBufferPointer { which in
                cleanImages.withUnsafeMutableBufferPointer { clean in
                    guard let noisy = noisy.baseAddress, let which = which.baseAddress, let clean = clean.baseAddress
                    else { return }
                    runner.run(count: count) { range, scratch in
                        guard let scratch = scratch.baseAddress else { return }
                        let (start, size) = (range.lowerBound * pixels, range.count * pixels)
                        network.predict(
                            noisy + start, count: range.count, additions: additions, which: which + range.lowerBound,
                            into: clean + start, scratch: scratch)
                        // x̂ = √ᾱ·x − √(1−ᾱ)·v.
                        for index in start..<start + size {
                            clean[index] = signal * noisy[index] - noise * clean[index]
                        }
                    }
                }
            }
        }
    }
}
