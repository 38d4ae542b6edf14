// SPDX-License-Identifier: Apache-2.0

import CNetworkKernels
public import Diffusion

/// A small classifier of images (`classifier-1`): the features of Fréchet distances, and the recogniser of digits.
///
/// For one thread at a time; a call computes on several.
public final class ImageClassifier {
    /// The number of features of an image.
    public static let featureCount = 32
    static let architecture = "classifier-1"
    private static let channels = (16, 32)

    /// What the file says about itself.
    public let description: ModelDescription
    /// The size of its images.
    public var shape: ImageShape { description.shape }

    private let conv1, conv2, conv3: ConvolutionLayer
    private let features, output: LinearLayer
    private let runner: BatchRunner

    /// Features and labels of images.
    public struct Result: Sendable, Equatable {
        /// count × 32.
        public let features: [Float]
        /// The most likely label of each.
        public let labels: [Int]
    }

    /// Reads a file of weights.
    ///
    /// - Parameter threads: the most threads that a call computes on.
    public convenience init(path: String, threads: Int = 2) throws(ModelError) {
        var file = try ModelFile(path: path, architectures: [Self.architecture])
        try self.init(&file, threads: threads)
    }

    init(_ file: inout ModelFile, threads: Int) throws(ModelError) {
        let (shape, labels) = (file.description.shape, file.description.labelCount)
        guard shape.height.isMultiple(of: 4), shape.width.isMultiple(of: 4), labels > 0 else {
            throw file.unfit("sides of images of \(Self.architecture) are multiples of 4, and there are labels")
        }
        let (few, many) = Self.channels
        conv1 = try ConvolutionLayer(&file, "conv1", inputs: 1, outputs: few)
        conv2 = try ConvolutionLayer(&file, "conv2", inputs: few, outputs: many)
        conv3 = try ConvolutionLayer(&file, "conv3", inputs: many, outputs: many)
        features = try LinearLayer(
            &file, "features", positions: shape.pixels / 16, channels: many, outputs: Self.featureCount)
        output = try LinearLayer(&file, "output", inputs: Self.featureCount, outputs: labels)
        try file.requireAllTaken()
        description = file.description
        let chunk = 32
        runner = BatchRunner(threads: threads, chunk: chunk, scratchCount: chunk * shape.pixels * many * (2 + 9))
    }

    /// Classifies images in [−1, 1].
    ///
    /// - Parameter images: count × pixels, row-major.
    public func classify(_ images: [Float]) -> Result {
        let pixels = shape.pixels
        precondition(images.count.isMultiple(of: pixels))
        let (count, labelCount, width) = (images.count / pixels, output.outputs, Self.featureCount)
        var features = [Float](repeating: 0, count: count * width)
        var scores = [Float](repeating: 0, count: count * labelCount)
        images.withUnsafeBufferPointer { images in
            features.withUnsafeMutableBufferPointer { features in
                scores.withUnsafeMutableBufferPointer { scores in
                    guard let images = images.baseAddress, let features = features.baseAddress,
                        let scores = scores.baseAddress
                    else { return }
                    runner.run(count: count) { range, scratch in
                        guard let scratch = scratch.baseAddress else { return }
                        let found = features + range.lowerBound * width
                        findFeatures(images + range.lowerBound * pixels, count: range.count, scratch, into: found)
                        output.apply(found, count: range.count, into: scores + range.lowerBound * labelCount)
                    }
                }
            }
        }
        let labels = (0..<count).map { image in
            (0..<labelCount).max { scores[image * labelCount + $0] < scores[image * labelCount + $1] } ?? 0
        }
        return Result(features: features, labels: labels)
    }

    private func findFeatures(
        _ images: UnsafePointer<Float>, count: Int, _ scratch: UnsafeMutablePointer<Float>,
        into out: UnsafeMutablePointer<Float>
    ) {
        var (height, width) = (shape.height, shape.width)
        let size = count * shape.pixels * Self.channels.1
        let (first, second, columns) = (scratch, scratch + size, scratch + 2 * size)
        func convolve(_ layer: ConvolutionLayer, _ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>) {
            layer.multiply(from, count: count, height: height, width: width, columns: columns, into: to)
            nk_add_silu(kernelFeatures, to, count * height * width, layer.outputs, layer.bias, nil)
        }
        convolve(conv1, images, first)
        convolve(conv2, first, second)
        halve(second, count: count, &height, &width, channels: conv2.outputs, into: first)
        convolve(conv3, first, second)
        halve(second, count: count, &height, &width, channels: conv3.outputs, into: first)
        features.multiply(first, count: count, into: out)
        nk_add_silu(kernelFeatures, out, count, Self.featureCount, features.bias, nil)
    }

    /// Averages patches of 2 × 2 positions.
    private func halve(
        _ images: UnsafePointer<Float>, count: Int, _ height: inout Int, _ width: inout Int, channels: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        let line = width * channels
        for row in 0..<count * height / 2 {
            for column in 0..<width / 2 {
                let source = images + 2 * row * line + 2 * column * channels
                let target = out + (row * width / 2 + column) * channels
                for channel in 0..<channels {
                    let upper = source[channel] + source[channel + channels]
                    target[channel] = (upper + source[channel + line] + source[channel + line + channels]) / 4
                }
            }
        }
        (height, width) = (height / 2, width / 2)
    }
}
