// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A network whose weights follow from a formula, the same as in `golden.py` of the training.
struct FormulaNetwork: Sendable, CustomStringConvertible {
    let name, architecture: String
    let height, width, labels: Int

    var description: String { name }

    static let all = [
        FormulaNetwork(name: "dense", architecture: "dense-1", height: 8, width: 8, labels: 10),
        FormulaNetwork(name: "denseWithoutLabels", architecture: "dense-1", height: 5, width: 3, labels: 0),
        FormulaNetwork(name: "convolution", architecture: "unet-1", height: 28, width: 28, labels: 10),
        FormulaNetwork(name: "convolutionWide", architecture: "unet-1", height: 8, width: 12, labels: 3),
        FormulaNetwork(name: "classifier", architecture: "classifier-1", height: 8, width: 8, labels: 10),
        FormulaNetwork(name: "classifierWide", architecture: "classifier-1", height: 8, width: 12, labels: 4),
    ]

    /// The formula for its inputs: `count` images.
    func inputs(count: Int) -> [Float] {
        let number = Self.all.firstIndex { $0.name == name } ?? 0
        return mixed(stream: 1_000 + number, count: count * height * width).map { 2 * $0 }
    }

    /// Its file, changed by `edit`.
    func file(_ edit: (inout WeightFile) -> Void = { _ in }) -> [UInt8] {
        var file = WeightFile(tensors: tensors)
        file.metadata = [
            "architecture": architecture, "version": "1", "height": "\(height)", "width": "\(width)",
            "labels": "\(labels)", "noise": "formula",
        ]
        edit(&file)
        return file.bytes
    }

    private var tensors: [WeightFile.Tensor] {
        shapes.sorted { $0.key < $1.key }.enumerated().map { stream, tensor in
            let (name, shape) = tensor
            let numbers = mixed(stream: stream, count: shape.reduce(1, *))
            let fan = Float(1.7 / Double(shape.dropFirst().reduce(1, *)).squareRoot())
            let one: Float = name.contains("norm") && name.hasSuffix("weight") ? 1 : 0
            let values = numbers.map { Float16(shape.count > 1 ? $0 * fan : 0.2 * $0 + one) }
            return WeightFile.Tensor(
                name: name, type: "F16", shape: shape, data: values.flatMap { littleEndian($0.bitPattern) })
        }
    }

    /// The names and shapes of docs/models.md.
    private var shapes: [String: [Int]] {
        switch architecture {
        case "dense-1": denseShapes
        case "unet-1": convolutionShapes
        default: classifierShapes
        }
    }

    private func conditioning(_ width: Int) -> [String: [Int]] {
        [
            "condition.noise1.weight": [width, 32], "condition.noise1.bias": [width],
            "condition.noise2.weight": [width, width], "condition.noise2.bias": [width],
            "condition.label.weight": [labels + 1, width],
        ]
    }

    private var denseShapes: [String: [Int]] {
        let pixels = height * width
        var shapes = conditioning(64)
        shapes.merge([
            "input.weight": [256, pixels], "input.bias": [256], "norm.weight": [256], "norm.bias": [256],
            "output.weight": [pixels, 256], "output.bias": [pixels],
        ]) { $1 }
        for block in 0..<3 {
            shapes.merge([
                "blocks.\(block).norm.weight": [256], "blocks.\(block).norm.bias": [256],
                "blocks.\(block).hidden.weight": [512, 256], "blocks.\(block).hidden.bias": [512],
                "blocks.\(block).condition.weight": [512, 64], "blocks.\(block).condition.bias": [512],
                "blocks.\(block).output.weight": [256, 512], "blocks.\(block).output.bias": [256],
            ]) { $1 }
        }
        return shapes
    }

    private var convolutionShapes: [String: [Int]] {
        var shapes = conditioning(128)
        for (name, inputs, outputs) in [("input", 4, 32), ("down", 32, 64), ("up", 64, 32), ("output", 32, 4)] {
            shapes["\(name).weight"] = [outputs, inputs, 3, 3]
            shapes["\(name).bias"] = [outputs]
        }
        (shapes["norm.weight"], shapes["norm.bias"]) = ([32], [32])
        let blocks = [("first", 32, 32), ("last", 64, 32)] + (0..<3).map { ("middle.\($0)", 64, 64) }
        for (name, inputs, outputs) in blocks {
            shapes.merge([
                "\(name).norm1.weight": [inputs], "\(name).norm1.bias": [inputs],
                "\(name).conv1.weight": [outputs, inputs, 3, 3], "\(name).conv1.bias": [outputs],
                "\(name).condition.weight": [outputs, 128], "\(name).condition.bias": [outputs],
                "\(name).norm2.weight": [outputs], "\(name).norm2.bias": [outputs],
                "\(name).conv2.weight": [outputs, outputs, 3, 3], "\(name).conv2.bias": [outputs],
            ]) { $1 }
        }
        (shapes["last.skip.weight"], shapes["last.skip.bias"]) = ([32, 64, 1, 1], [32])
        return shapes
    }

    private var classifierShapes: [String: [Int]] {
        [
            "conv1.weight": [16, 1, 3, 3], "conv1.bias": [16], "conv2.weight": [32, 16, 3, 3], "conv2.bias": [32],
            "conv3.weight": [32, 32, 3, 3], "conv3.bias": [32],
            "features.weight": [32, 32 * height * width / 16], "features.bias": [32],
            "output.weight": [labels, 32], "output.bias": [labels],
        ]
    }
}

/// A file of safetensors that a test makes, right or wrong.
struct WeightFile {
    struct Tensor {
        var name, type: String
        var shape: [Int]
        var data: [UInt8]
    }

    var tensors: [Tensor]
    var metadata: [String: String] = [:]

    var bytes: [UInt8] {
        var (position, members) = (0, [String]())
        let facts = metadata.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }
        members.append("\"__metadata__\":{\(facts.joined(separator: ","))}")
        for tensor in tensors {
            let end = position + tensor.data.count
            let facts = #""dtype":"\#(tensor.type)","shape":\#(tensor.shape),"data_offsets":[\#(position),\#(end)]"#
            members.append("\"\(tensor.name)\":{\(facts)}")
            position = end
        }
        return Self.bytes(header: "{\(members.joined(separator: ","))}", data: tensors.flatMap(\.data))
    }

    /// A file with any header.
    static func bytes(header: String, data: [UInt8]) -> [UInt8] {
        littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + data
    }
}

/// The numbers of the formula, from −1 to 1.
func mixed(stream: Int, count: Int) -> [Float] {
    var generator = SeededGenerator(UInt64(stream) << 32)
    return (0..<count).map { _ in Float(Double(generator.next() >> 40) / 8_388_608 - 1) }
}

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// Writes bytes to a file, for a test.
func write(_ bytes: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "wb"))
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}
