// SPDX-License-Identifier: Apache-2.0

import Diffusion

/// How good images of 8 × 8 pixels are: Fréchet distances to the real digits, and the share that is recognised.
///
/// Distances depend on the network that finds the features, so there is one, which does not change: the digests of its
/// file and of that with the moments of the real images are part of the program. For one thread at a time.
public final class ImageQuality {
    /// SHA-256 of `features8.safetensors`.
    public static let featuresDigest = "78a1d39273c39645aff1fd97fbf102f10153a99a0a909ff9f732aa3926762799"
    /// SHA-256 of `moments8.safetensors`.
    public static let momentsDigest = "16ffa92bce786b954bda2cb716d578d6827741eaf92a50a9a04af391e93294f0"

    /// The judgement of a set of images.
    public struct Judgement: Sendable, Equatable {
        /// The Fréchet distance of the 32 features.
        public let featureDistance: Double
        /// The Fréchet distance of the pixels, in [−1, 1].
        public let pixelDistance: Double
        /// The share of images whose label the recogniser finds; nil where no labels were wanted.
        public let recognisedShare: Double?
    }

    private let features, recogniser: ImageClassifier
    private let moments: (features: Moments, pixels: Moments)
    /// The number of real images of each label.
    public let labelCounts: [Int]

    /// Reads the networks and the moments from a folder.
    ///
    /// - Parameter threads: the most threads that a call computes on.
    public init(folder: String = ModelFolder.path, threads: Int = 2) throws(ModelError) {
        func path(_ name: String) -> String { "\(folder)/\(name).safetensors" }
        features = try ImageClassifier(path: path("features8"), threads: threads)
        try Self.require(features.description.digest, Self.featuresDigest, path("features8"))
        recogniser = try ImageClassifier(path: path("recogniser8"), threads: threads)
        let file = try MomentsFile(path: path("moments8"))
        try Self.require(file.digest, Self.momentsDigest, path("moments8"))
        moments = (file.features, file.pixels)
        labelCounts = file.labelCounts
    }

    private static func require(_ found: String, _ wanted: String, _ path: String) throws(ModelError) {
        guard found == wanted else { throw ModelError(path: path, cause: .changed(wanted: wanted, found: found)) }
    }

    /// Judges images in [−1, 1], as they are after rounding to 8 bits.
    ///
    /// - Parameters:
    ///   - images: count × 64, at least two images.
    ///   - labels: the label that was wanted of each; nil for none.
    public func judge(_ images: [Float], labels: [Int?]) -> Judgement {
        let pixels = features.shape.pixels
        precondition(images.count == labels.count * pixels && labels.count >= 2)
        let rounded = images.map { (max(-1, min(1, $0)) * 127.5 + 127.5).rounded() / 127.5 - 1 }
        let found = features.classify(rounded)
        let wanted = labels.indices.filter { labels[$0] != nil }
        let recognised = recogniser.classify(rounded).labels
        let right = wanted.count { recognised[$0] == labels[$0] }
        return Judgement(
            featureDistance: moments.features.frechetDistance(
                to: Moments(of: found.features, dimension: ImageClassifier.featureCount)),
            pixelDistance: moments.pixels.frechetDistance(to: Moments(of: rounded, dimension: pixels)),
            recognisedShare: wanted.isEmpty ? nil : Double(right) / Double(wanted.count))
    }
}

/// A file with the moments of real images.
struct MomentsFile {
    let features, pixels: Moments
    let labelCounts: [Int]
    let digest: String

    init(path: String) throws(ModelError) {
        let (contents, digest) = try readSafetensors(path: path)
        guard contents.metadata["format"] == "metrng-moments", contents.metadata["version"] == "1" else {
            throw ModelError(path: path, cause: .unfit("it is no file of moments of version 1"))
        }
        func values(_ name: String, _ shape: [Int]) throws(ModelError) -> [Float] {
            guard let entry = contents.entries[name], entry.type == .float32, entry.shape == shape else {
                throw ModelError(
                    path: path, cause: .unfit("its tensor \"\(name)\" is not of type F32 and shape \(shape)"))
            }
            do throws(SafetensorsDefect) {
                return try contents.floats(of: entry, name: name)
            } catch {
                throw ModelError(path: path, cause: .damaged(error))
            }
        }
        func moments(_ name: String, _ size: Int) throws(ModelError) -> Moments {
            let (mean, covariance) = (try values("\(name)Mean", [size]), try values("\(name)Covariance", [size, size]))
            return Moments(mean: mean.map(Double.init), covariance: covariance.map(Double.init))
        }
        features = try moments("feature", ImageClassifier.featureCount)
        pixels = try moments("pixel", 64)
        labelCounts = try values("labels", [10]).map { Int(max(0, min($0, 1e6))) }
        self.digest = digest
    }
}
