// SPDX-License-Identifier: Apache-2.0

import DenoisingNetworks
import Diffusion
import Glibc
import TestSupport
import Testing

@Suite("Files of weights: those that do not fit are refused, and the shipped ones are what they should be")
struct ModelFileTests {
    private let folder = TemporaryDirectory()
    private static let dense = FormulaNetwork.all[0]

    private func error(of bytes: [UInt8]) throws -> ModelError? {
        let path = folder.file("weights")
        try write(bytes, to: path)
        do throws(ModelError) {
            _ = try NetworkDenoiser(path: path)
            return nil
        } catch {
            #expect(error.path == path)
            #expect(error.description.contains(path))
            return error
        }
    }

    private func reason(_ edit: (inout WeightFile) -> Void) throws -> String? {
        guard case .unfit(let reason)? = try error(of: Self.dense.file(edit))?.cause else { return nil }
        return reason
    }

    @Test("a file that fits says what it is")
    func description() throws {
        let path = folder.file("weights")
        try write(Self.dense.file(), to: path)
        let denoiser = try NetworkDenoiser(path: path)
        #expect(denoiser.description.architecture == "dense-1")
        #expect(denoiser.shape == ImageShape(height: 8, width: 8) && denoiser.labelCount == 10)
        #expect(denoiser.description.facts == ["noise": "formula"])
        #expect(denoiser.description.digest.count == 64)
    }

    @Test("metadata that do not fit are refused")
    func metadata() throws {
        #expect(try reason { $0.metadata["architecture"] = nil } == "its architecture is none, not dense-1 or unet-1")
        #expect(try reason { $0.metadata["architecture"] = "classifier-1" } != nil)
        #expect(try reason { $0.metadata["version"] = "2" } == "its version is 2, not 1")
        for value in ["0", "65", "-8", "8.0", "", "99999999999999999999"] {
            #expect(try reason { $0.metadata["height"] = value }?.contains("not a number from 1 to 64") == true)
        }
        #expect(try reason { $0.metadata["width"] = nil } == "its width is none, not a number from 1 to 64")
        #expect(try reason { $0.metadata["labels"] = "256" } == "its labels is 256, not a number from 0 to 255")
        #expect(
            try reason { ($0.metadata["height"], $0.metadata["width"]) = ("64", "64") }?.contains("1024 pixels") == true
        )
    }

    @Test("tensors that do not fit are refused")
    func tensors() throws {
        #expect(try reason { $0.tensors.removeLast() } == "it has no tensor \"output.weight\"")
        #expect(
            try reason { $0.tensors.append(.init(name: "more", type: "U8", shape: [1], data: [0])) }
                == "it has the tensor \"more\", which dense-1 does not have")
        #expect(
            try reason { file in
                for index in file.tensors.indices where file.tensors[index].name == "input.weight" {
                    file.tensors[index].shape.reverse()
                }
            } == "the tensor \"input.weight\" has the shape [64, 256], not [256, 64]")
        #expect(
            try reason { file in
                for index in file.tensors.indices where file.tensors[index].name == "norm.bias" {
                    (file.tensors[index].type, file.tensors[index].data) = ("F32", [UInt8](repeating: 0, count: 1_024))
                }
            } == "the tensor \"norm.bias\" is of type F32, not F16")
    }

    @Test("a weight that is not finite, and a file that is cut, are damaged")
    func damaged() throws {
        let bytes = Self.dense.file { $0.tensors[0].data[1] = 0x7C }
        #expect(try error(of: bytes)?.cause == .damaged(.notFinite(tensor: "blocks.0.condition.bias")))
        let whole = Self.dense.file()
        for count in [0, 5, 100, whole.count - 1] {
            guard case .damaged? = try error(of: Array(whole.prefix(count)))?.cause else {
                Issue.record("\(count) bytes")
                return
            }
        }
    }

    @Test("what is no file, or too large a one, is refused without being read")
    func unreadable() throws {
        #expect(throws: ModelError(path: folder.path, cause: .unreadable("it is no regular file"))) {
            try NetworkDenoiser(path: folder.path)
        }
        let absent = folder.file("absent")
        #expect(throws: ModelError(path: absent, cause: .unreadable("No such file or directory"))) {
            try NetworkDenoiser(path: absent)
        }
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(throws: ModelError(path: pipe, cause: .unreadable("it is no regular file"))) {
            try ImageClassifier(path: pipe)
        }
        let large = folder.file("large")
        try write([1], to: large)
        #expect(truncate(large, 1 << 40) == 0)
        #expect(throws: ModelError(path: large, cause: .tooLarge(limit: 64 << 20))) { try NetworkDenoiser(path: large) }
    }

    @Test("the folder is found beside a program and above it, and is that of the system elsewhere")
    func modelFolder() throws {
        let models = folder.file("models")
        #expect(mkdir(models, 0o700) == 0)
        let program = folder.file(".build/release/mediffuse")
        #expect(ModelFolder.path(forProgram: program) == "/usr/share/metrng/models")
        try write([], to: "\(models)/features8.safetensors")
        defer {
            unlink("\(models)/features8.safetensors")
            rmdir(models)
        }
        #expect(ModelFolder.path(forProgram: program) == models)
        #expect(ModelFolder.path(forProgram: folder.file("mediffuse")) == models)
        #expect(ModelFolder.path(forProgram: "mediffuse") == "/usr/share/metrng/models")
    }

    @Test("distances are measured with the shipped files and no others")
    func frozen() throws {
        let shipped = repositoryFile("models")
        let quality = try ImageQuality(folder: shipped)
        #expect(quality.labelCounts.reduce(0, +) == 1_797)
        for name in ["features8", "recogniser8", "moments8"] {
            try write(contents(ofFile: "\(shipped)/\(name).safetensors"), to: folder.file("\(name).safetensors"))
        }
        _ = try ImageQuality(folder: folder.path)
        try write(contents(ofFile: "\(shipped)/recogniser8.safetensors"), to: folder.file("features8.safetensors"))
        do throws(ModelError) {
            _ = try ImageQuality(folder: folder.path)
            Issue.record("another feature network is accepted")
        } catch {
            guard case .changed(ImageQuality.featuresDigest, _) = error.cause else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test("noise and a grey surface are far from the digits, and not recognised")
    func negativeControl() throws {
        let quality = try ImageQuality(folder: repositoryFile("models"))
        let labels: [Int?] = (0..<200).map { $0 % 10 }
        let noise = quality.judge(mixed(stream: 9, count: 200 * 64), labels: labels)
        #expect(noise.featureDistance > 5 && noise.pixelDistance > 5)
        #expect(try #require(noise.recognisedShare) < 0.3)
        let grey = quality.judge([Float](repeating: 0, count: 128), labels: [nil, nil])
        #expect(grey.recognisedShare == nil && grey.pixelDistance > 5)
    }
}
