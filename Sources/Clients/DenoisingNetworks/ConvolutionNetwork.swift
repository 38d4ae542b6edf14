// SPDX-License-Identifier: Apache-2.0

import CNetworkKernels
import Diffusion

/// `unet-1`: a U-Net of two resolutions on patches of 2 × 2 pixels.
struct ConvolutionNetwork: DenoisingNetwork {
    static let architecture = "unet-1"
    private static let (channels, deep) = (32, 64)

    let chunk = 8
    let conditioning: Conditioning
    /// Height and width at full resolution; at the lower one, both are half of these.
    private let height, width: Int
    private let input, down, up, output: ConvolutionLayer
    private let first, last: ConvolutionBlock
    private let middle: [ConvolutionBlock]
    private let norm: NormLayer

    init(_ file: inout ModelFile) throws(ModelError) {
        let shape = file.description.shape
        guard shape.height.isMultiple(of: 4), shape.width.isMultiple(of: 4) else {
            throw file.unfit("sides of images of \(Self.architecture) are multiples of 4")
        }
        (height, width) = (shape.height / 2, shape.width / 2)
        let (channels, deep, conditions) = (Self.channels, Self.deep, 128)
        conditioning = try Conditioning(&file, labelCount: file.description.labelCount, width: conditions)
        input = try ConvolutionLayer(&file, "input", inputs: 4, outputs: channels)
        first = try ConvolutionBlock(&file, "first", inputs: channels, outputs: channels, conditions: conditions)
        down = try ConvolutionLayer(&file, "down", inputs: channels, outputs: deep)
        var middle: [ConvolutionBlock] = []
        for index in 0..<3 {
            middle.append(
                try ConvolutionBlock(&file, "middle.\(index)", inputs: deep, outputs: deep, conditions: conditions))
        }
        self.middle = middle
        up = try ConvolutionLayer(&file, "up", inputs: deep, outputs: channels)
        last = try ConvolutionBlock(&file, "last", inputs: 2 * channels, outputs: channels, conditions: conditions)
        norm = try NormLayer(&file, "norm", width: channels)
        output = try ConvolutionLayer(&file, "output", inputs: channels, outputs: 4)
    }

    func additions(_ vectors: [Float]) -> [[Float]] {
        ([first] + middle + [last]).map { $0.additions(vectors) }
    }

    private var positions: Int { height * width }
    /// The columns of a convolution of `deep` channels are the largest part; the others are five images of as many.
    var scratchCount: Int { chunk * positions * Self.deep * (5 + 9) }

    /// Scratch memory of a chunk.
    private struct Memory {
        let blocks: BlockMemory
        let shallow, merged, deep: UnsafeMutablePointer<Float>

        init(_ start: UnsafeMutablePointer<Float>, image: Int) {
            let columns = start + 5 * image
            blocks = BlockMemory(first: start, second: start + image, columns: columns)
            (shallow, merged, deep) = (start + 2 * image, start + 3 * image, start + 4 * image)
        }
    }

    func predict(
        _ noisy: UnsafePointer<Float>, count: Int, additions: [[Float]], which: UnsafePointer<Int32>,
        into out: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        let memory = Memory(scratch, image: count * positions * Self.deep)
        let columns = memory.blocks.columns
        let upper = ImageBatch(count: count, height: height, width: width, which: which)
        let lower = ImageBatch(count: count, height: height / 2, width: width / 2, which: which)

        gatherPatches(noisy, count: count, into: memory.merged)
        input.apply(memory.merged, count: count, height: height, width: width, columns: columns, into: memory.shallow)
        first.apply(memory.shallow, upper, additions[0], memory.blocks, into: memory.shallow)
        down.apply(
            memory.shallow, count: count, height: height, width: width, stride: 2, columns: columns, into: memory.deep)
        for (index, block) in middle.enumerated() {
            block.apply(memory.deep, lower, additions[1 + index], memory.blocks, into: memory.deep)
        }
        enlarge(memory.deep, count: count, into: memory.merged)
        up.apply(memory.merged, count: count, height: height, width: width, columns: columns, into: memory.deep)
        merge(memory.deep, memory.shallow, count: count, into: memory.merged)
        last.apply(memory.merged, upper, additions[1 + middle.count], memory.blocks, into: memory.deep)
        norm.groups(memory.deep, count: count, positions: positions, into: memory.merged)
        output.apply(memory.merged, count: count, height: height, width: width, columns: columns, into: memory.deep)
        spreadPatches(memory.deep, count: count, into: out)
    }

    /// Turns patches of 2 × 2 pixels into positions with four channels, row by row of the patch.
    private func gatherPatches(_ pixels: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>) {
        forEachPatchPixel(count) { place, pixel in out[place] = pixels[pixel] }
    }

    private func spreadPatches(_ patches: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>) {
        forEachPatchPixel(count) { place, pixel in out[pixel] = patches[place] }
    }

    @inline(__always)
    private func forEachPatchPixel(_ count: Int, _ body: (_ place: Int, _ pixel: Int) -> Void) {
        for row in 0..<count * height {
            for column in 0..<width {
                let (place, pixel) = ((row * width + column) * 4, row * 4 * width + column * 2)
                body(place, pixel)
                body(place + 1, pixel + 1)
                body(place + 2, pixel + 2 * width)
                body(place + 3, pixel + 2 * width + 1)
            }
        }
    }

    /// Repeats each position of the lower resolution in both directions.
    private func enlarge(_ images: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>) {
        for row in 0..<count * height {
            for column in 0..<width {
                let source = (row / 2 * (width / 2) + column / 2) * Self.deep
                (out + (row * width + column) * Self.deep).update(from: images + source, count: Self.deep)
            }
        }
    }

    /// Puts the channels of two images behind each other.
    private func merge(
        _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, count: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        let channels = Self.channels
        for position in 0..<count * positions {
            (out + 2 * position * channels).update(from: first + position * channels, count: channels)
            (out + (2 * position + 1) * channels).update(from: second + position * channels, count: channels)
        }
    }
}

/// Images at one resolution.
private struct ImageBatch {
    let count, height, width: Int
    /// Which of a block's additions is that of each image.
    let which: UnsafePointer<Int32>

    var positions: Int { height * width }
}

private struct BlockMemory {
    let first, second, columns: UnsafeMutablePointer<Float>
}

/// Two convolutions and a way past them.
private struct ConvolutionBlock {
    private let norm1, norm2: NormLayer
    private let conv1, conv2: ConvolutionLayer
    private let condition: LinearLayer
    /// Where the number of channels changes; a convolution of one tap, so a product for each position.
    private let skip: LinearLayer?

    init(
        _ file: inout ModelFile, _ name: String, inputs: Int, outputs: Int, conditions: Int
    ) throws(ModelError) {
        norm1 = try NormLayer(&file, "\(name).norm1", width: inputs)
        conv1 = try ConvolutionLayer(&file, "\(name).conv1", inputs: inputs, outputs: outputs)
        condition = try LinearLayer(&file, "\(name).condition", inputs: conditions, outputs: outputs)
        norm2 = try NormLayer(&file, "\(name).norm2", width: outputs)
        conv2 = try ConvolutionLayer(&file, "\(name).conv2", inputs: outputs, outputs: outputs)
        skip =
            inputs == outputs
            ? nil : try LinearLayer(&file, pointwise: "\(name).skip", inputs: inputs, outputs: outputs)
    }

    func additions(_ vectors: [Float]) -> [Float] { condition.rows(vectors, adding: conv1.bias) }

    /// - Parameter out: the images themselves where the number of channels does not change.
    func apply(
        _ images: UnsafeMutablePointer<Float>, _ batch: ImageBatch, _ addition: [Float], _ memory: BlockMemory,
        into out: UnsafeMutablePointer<Float>
    ) {
        let (count, positions, outputs) = (batch.count, batch.positions, conv1.outputs)
        norm1.groups(images, count: count, positions: positions, into: memory.first)
        conv1.multiply(
            memory.first, count: count, height: batch.height, width: batch.width, columns: memory.columns,
            into: memory.second)
        addition.withUnsafeBufferPointer { addition in
            guard let start = addition.baseAddress else { return }
            for image in 0..<count {
                nk_add(
                    kernelFeatures, memory.second + image * positions * outputs, positions, outputs,
                    start + Int(batch.which[image]) * outputs, nil)
            }
        }
        norm2.groups(memory.second, count: count, positions: positions, into: memory.first)
        skip?.apply(images, count: count * positions, into: out)
        conv2.apply(
            memory.first, count: count, height: batch.height, width: batch.width, adds: true, columns: memory.columns,
            into: out)
    }
}
