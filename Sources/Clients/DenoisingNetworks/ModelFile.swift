// SPDX-License-Identifier: Apache-2.0

public import Diffusion
import Glibc
import LinuxPlatform
import SystemCrypto

/// What a file of weights says about itself.
public struct ModelDescription: Sendable, Equatable {
    /// The name of the network: `dense-1`, `unet-1` or `classifier-1`.
    public let architecture: String
    /// The size of its images.
    public let shape: ImageShape
    /// The number of labels; 0 for a model without.
    public let labelCount: Int
    /// What else the file says, such as `noise`: printable, with the names of docs/models.md.
    public let facts: [String: String]
    /// SHA-256 of the file, in hexadecimal digits.
    public let digest: String
}

/// A checked file of weights, whose tensors are taken one by one by the network that is made of it.
struct ModelFile {
    /// The largest file, in bytes. The largest network here has 4 MB.
    static let byteLimit = 64 << 20
    private static let version = "1"

    let path: String
    let description: ModelDescription
    private let contents: Safetensors
    private var taken: Set<String> = []

    /// Reads a file of one of these architectures.
    init(path: String, architectures: [String]) throws(ModelError) {
        let (contents, digest) = try readSafetensors(path: path)
        try self.init(path: path, contents: contents, digest: digest, architectures: architectures)
    }

    init(path: String, contents: Safetensors, digest: String, architectures: [String]) throws(ModelError) {
        let metadata = contents.metadata
        func unfit(_ reason: String) -> ModelError { ModelError(path: path, cause: .unfit(reason)) }
        let architecture = metadata["architecture"].map(printable) ?? "none"
        guard architectures.contains(architecture) else {
            throw unfit("its architecture is \(architecture), not \(architectures.joined(separator: " or "))")
        }
        guard metadata["version"] == Self.version else {
            throw unfit("its version is \(metadata["version"].map(printable) ?? "none"), not \(Self.version)")
        }
        func size(_ name: String, _ range: ClosedRange<Int>) throws(ModelError) -> Int {
            guard let text = metadata[name], let value = Int(text), range.contains(value) else {
                let found = metadata[name].map { printable($0) } ?? "none"
                throw unfit("its \(name) is \(found), not a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
        let (height, width) = (try size("height", 1...64), try size("width", 1...64))
        let labels = try size("labels", 0...255)
        let known = ["architecture", "version", "height", "width", "labels"]
        let facts = metadata.filter { !known.contains($0.key) }
        description = ModelDescription(
            architecture: architecture, shape: ImageShape(height: height, width: width), labelCount: labels,
            facts: Dictionary(facts.map { (printable($0.key), printable($0.value)) }) { first, _ in first },
            digest: digest)
        (self.path, self.contents) = (path, contents)
    }

    /// The error of a file that does not fit, for this reason.
    func unfit(_ reason: String) -> ModelError { ModelError(path: path, cause: .unfit(reason)) }

    /// Takes the values of a tensor of 16-bit floats with exactly this name and shape.
    mutating func take(_ name: String, _ shape: [Int]) throws(ModelError) -> [Float] {
        guard let entry = contents.entries[name] else { throw unfit("it has no tensor \"\(name)\"") }
        guard entry.type == .float16 else {
            throw unfit("the tensor \"\(name)\" is of type \(entry.type.rawValue), not F16")
        }
        guard entry.shape == shape else {
            throw unfit("the tensor \"\(name)\" has the shape \(entry.shape), not \(shape)")
        }
        taken.insert(name)
        do throws(SafetensorsDefect) {
            return try contents.floats(of: entry, name: name)
        } catch {
            throw ModelError(path: path, cause: .damaged(error))
        }
    }

    /// Throws unless every tensor was taken.
    func requireAllTaken() throws(ModelError) {
        if let name = contents.entries.keys.filter({ !taken.contains($0) }).min() {
            throw unfit("it has the tensor \"\(printable(name))\", which \(description.architecture) does not have")
        }
    }
}

/// Reads and checks a whole file, and returns it with its SHA-256 in hexadecimal digits.
func readSafetensors(path: String) throws(ModelError) -> (contents: Safetensors, digest: String) {
    let bytes = try readFile(path: path, limit: ModelFile.byteLimit)
    do throws(SafetensorsDefect) {
        return (try Safetensors(bytes), LibrarySHA256.digest(of: bytes).map(hexadecimal).joined())
    } catch {
        throw ModelError(path: path, cause: .damaged(error))
    }
}

private func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

/// Reads a regular file of at most `limit` bytes.
private func readFile(path: String, limit: Int) throws(ModelError) -> [UInt8] {
    var status = stat()
    let file: Descriptor
    do throws(SystemError) {
        // Not waiting: a pipe without a writer would keep the call, and is refused afterwards.
        file = Descriptor(
            owning: try system("open", path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) })
        try system("examine", path) { fstat(file.raw, &status) }
    } catch {
        throw ModelError(path: path, cause: .unreadable(error.reason))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw ModelError(path: path, cause: .unreadable("it is no regular file"))
    }
    guard status.st_size <= limit else { throw ModelError(path: path, cause: .tooLarge(limit: limit)) }
    do throws(SystemError) {
        return try contents(of: file, count: Int(status.st_size), path: path)
    } catch {
        throw ModelError(path: path, cause: .unreadable(error.reason))
    }
}

/// Reads `count` bytes, or fewer where the file has become shorter.
private func contents(of file: Descriptor, count: Int, path: String) throws(SystemError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
        let part = try system("read", path) {
            bytes.withUnsafeMutableBytes { buffer in
                pread(file.raw, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(filled))
            }
        }
        if part == 0 { break }
        filled += part
    }
    return Array(bytes.prefix(filled))
}
