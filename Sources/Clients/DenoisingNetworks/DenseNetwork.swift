// SPDX-License-Identifier: Apache-2.0

import CNetworkKernels
import Diffusion

/// What the two kinds of denoiser have in common.
protocol DenoisingNetwork {
    /// How many images are computed together.
    var chunk: Int { get }
    /// Floats of scratch memory for a chunk.
    var scratchCount: Int { get }
    var conditioning: Conditioning { get }

    /// For each block, what it adds for each vector of the conditioning.
    func additions(_ vectors: [Float]) -> [[Float]]

    /// Predicts v of `count` images, at most a chunk. `which` says for each image which of the additions is its own.
    func predict(
        _ noisy: UnsafePointer<Float>, count: Int, additions: [[Float]], which: UnsafePointer<Int32>,
        into out: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>)
}

/// `dense-1`: a residual network of fully connected layers.
struct DenseNetwork: DenoisingNetwork {
    static let architecture = "dense-1"
    private static let width = 256
    private static let blockCount = 3

    private struct Block {
        let norm: NormLayer
        let hidden, condition, output: LinearLayer
    }

    let chunk = 256
    var scratchCount: Int { chunk * 4 * Self.width }
    let conditioning: Conditioning
    private let input, output: LinearLayer
    private let norm: NormLayer
    private let blocks: [Block]

    init(_ file: inout ModelFile) throws(ModelError) {
        let (pixels, width) = (file.description.shape.pixels, Self.width)
        guard pixels <= 1_024 else { throw file.unfit("images of \(Self.architecture) have at most 1024 pixels") }
        conditioning = try Conditioning(&file, labelCount: file.description.labelCount, width: 64)
        input = try LinearLayer(&file, "input", inputs: pixels, outputs: width)
        var blocks: [Block] = []
        for index in 0..<Self.blockCount {
            let name = "blocks.\(index)"
            blocks.append(
                Block(
                    norm: try NormLayer(&file, "\(name).norm", width: width),
                    hidden: try LinearLayer(&file, "\(name).hidden", inputs: width, outputs: 2 * width),
                    condition: try LinearLayer(
                        &file, "\(name).condition", inputs: conditioning.width, outputs: 2 * width),
                    output: try LinearLayer(&file, "\(name).output", inputs: 2 * width, outputs: width)))
        }
        self.blocks = blocks
        norm = try NormLayer(&file, "norm", width: width)
        output = try LinearLayer(&file, "output", inputs: width, outputs: pixels)
    }

    func additions(_ vectors: [Float]) -> [[Float]] {
        blocks.map { $0.condition.rows(vectors, adding: $0.hidden.bias) }
    }

    func predict(
        _ noisy: UnsafePointer<Float>, count: Int, additions: [[Float]], which: UnsafePointer<Int32>,
        into out: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        let width = Self.width
        let (rows, normed, wide) = (scratch, scratch + count * width, scratch + 2 * count * width)
        input.apply(noisy, count: count, into: rows)
        for (block, addition) in zip(blocks, additions) {
            block.norm.layer(rows, count: count, into: normed)
            block.hidden.multiply(normed, count: count, into: wide)
            nk_add_silu(kernelFeatures, wide, count, 2 * width, addition, which)
            block.output.apply(wide, count: count, adds: true, into: rows)
        }
        norm.layer(rows, count: count, into: normed)
        output.apply(normed, count: count, into: out)
    }
}
