// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import CNetworkKernels

/// The instructions that kernels of this process may use.
let kernelFeatures = ck_features_here()

/// Turns a matrix of rows × columns into one of columns × rows.
func transposed(_ matrix: [Float], rows: Int, columns: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows * columns) { out, filled in
        for row in 0..<rows {
            for column in 0..<columns { out[column * rows + row] = matrix[row * columns + column] }
        }
        filled = rows * columns
    }
}

/// A fully connected layer.
struct LinearLayer {
    let inputs, outputs: Int
    /// inputs × outputs.
    let weights: [Float]
    let bias: [Float]

    init(_ file: inout ModelFile, _ name: String, inputs: Int, outputs: Int) throws(ModelError) {
        let rows = try file.take("\(name).weight", [outputs, inputs])
        weights = transposed(rows, rows: outputs, columns: inputs)
        bias = try file.take("\(name).bias", [outputs])
        (self.inputs, self.outputs) = (inputs, outputs)
    }

    /// The layer that a convolution of one tap is at each position.
    init(_ file: inout ModelFile, pointwise name: String, inputs: Int, outputs: Int) throws(ModelError) {
        let rows = try file.take("\(name).weight", [outputs, inputs, 1, 1])
        weights = transposed(rows, rows: outputs, columns: inputs)
        bias = try file.take("\(name).bias", [outputs])
        (self.inputs, self.outputs) = (inputs, outputs)
    }

    /// A layer whose inputs are channels of positions: the file has them channel by channel, rows have them position by
    /// position.
    init(
        _ file: inout ModelFile, _ name: String, positions: Int, channels: Int, outputs: Int
    ) throws(ModelError) {
        inputs = positions * channels
        self.outputs = outputs
        let rows = try file.take("\(name).weight", [outputs, inputs])
        var weights = [Float](repeating: 0, count: inputs * outputs)
        for output in 0..<outputs {
            for channel in 0..<channels {
                for position in 0..<positions {
                    weights[(position * channels + channel) * outputs + output] =
                        rows[output * inputs + channel * positions + position]
                }
            }
        }
        self.weights = weights
        bias = try file.take("\(name).bias", [outputs])
    }

    /// Multiplies rows, without the bias.
    func multiply(
        _ rows: UnsafePointer<Float>, count: Int, adds: Bool = false, into out: UnsafeMutablePointer<Float>
    ) {
        LinearAlgebra.multiply(rows, weights, count: count, inputs: inputs, outputs: outputs, adds: adds, into: out)
    }

    func apply(
        _ rows: UnsafePointer<Float>, count: Int, adds: Bool = false, into out: UnsafeMutablePointer<Float>
    ) {
        multiply(rows, count: count, adds: adds, into: out)
        nk_add(kernelFeatures, out, count, outputs, bias, nil)
    }

    /// A row for each row, with a second bias added.
    func rows(_ rows: [Float], adding second: [Float]) -> [Float] {
        let count = rows.count / inputs
        return [Float](unsafeUninitializedCapacity: count * outputs) { out, filled in
            guard let start = out.baseAddress else { return }
            apply(rows, count: count, into: start)
            nk_add(kernelFeatures, start, count, outputs, second, nil)
            filled = count * outputs
        }
    }
}

/// The affine part of a normalisation.
struct NormLayer {
    let weight, bias: [Float]

    init(_ file: inout ModelFile, _ name: String, width: Int) throws(ModelError) {
        weight = try file.take("\(name).weight", [width])
        bias = try file.take("\(name).bias", [width])
    }

    /// Normalises each row.
    func layer(_ rows: UnsafePointer<Float>, count: Int, into out: UnsafeMutablePointer<Float>) {
        nk_layer_norm(kernelFeatures, rows, out, count, weight.count, weight, bias)
    }

    /// Normalises groups of channels of each image, and applies SiLU.
    func groups(
        _ images: UnsafePointer<Float>, count: Int, positions: Int, into out: UnsafeMutablePointer<Float>
    ) {
        nk_group_norm_silu(
            kernelFeatures, images, out, count, positions, weight.count, NormLayer.groupCount, weight, bias)
    }

    static let groupCount = 8
}

/// A convolution with 3 × 3 taps, over images with channels last and zeros beyond the border.
struct ConvolutionLayer {
    let inputs, outputs: Int
    /// Tap by tap, then input by input: 9·inputs × outputs.
    private let weights: [Float]
    let bias: [Float]

    init(_ file: inout ModelFile, _ name: String, inputs: Int, outputs: Int) throws(ModelError) {
        let taken = try file.take("\(name).weight", [outputs, inputs, 3, 3])
        var weights = [Float](repeating: 0, count: taken.count)
        for output in 0..<outputs {
            for input in 0..<inputs {
                for tap in 0..<9 {
                    weights[(tap * inputs + input) * outputs + output] = taken[(output * inputs + input) * 9 + tap]
                }
            }
        }
        self.weights = weights
        bias = try file.take("\(name).bias", [outputs])
        (self.inputs, self.outputs) = (inputs, outputs)
    }

    /// Convolves without the bias. `columns` has room for 9·inputs floats for each position of the output.
    func multiply(
        _ images: UnsafePointer<Float>, count: Int, height: Int, width: Int, stride: Int = 1, adds: Bool = false,
        columns: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>
    ) {
        nk_neighbourhoods(images, columns, count, height, width, inputs, stride)
        let positions = count * (height / stride) * (width / stride)
        LinearAlgebra.multiply(
            columns, weights, count: positions, inputs: 9 * inputs, outputs: outputs, adds: adds, into: out)
    }

    func apply(
        _ images: UnsafePointer<Float>, count: Int, height: Int, width: Int, stride: Int = 1, adds: Bool = false,
        columns: UnsafeMutablePointer<Float>, into out: UnsafeMutablePointer<Float>
    ) {
        multiply(
            images, count: count, height: height, width: width, stride: stride, adds: adds, columns: columns, into: out)
        nk_add(kernelFeatures, out, count * (height / stride) * (width / stride), outputs, bias, nil)
    }
}
