// SPDX-License-Identifier: Apache-2.0

/// The size of a grey image, in pixels.
public struct ImageShape: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of columns.
    public let width: Int

    /// A shape of at least one pixel.
    public init(height: Int, width: Int) {
        precondition(height > 0 && width > 0)
        self.height = height
        self.width = width
    }

    /// The number of pixels.
    public var pixels: Int { height * width }
}

/// A model that predicts a clean image from a noisy one.
///
/// For one thread at a time. Images are row-major, with −1 for black and 1 for white.
public protocol Denoiser: AnyObject {
    /// The size of its images.
    var shape: ImageShape { get }

    /// The number of labels that it knows; 0 for a model without labels.
    var labelCount: Int { get }

    /// Predicts clean images, in [−1, 1], not clamped.
    ///
    /// - Parameters:
    ///   - noisy: count × pixels, scaled to √ᾱ·x₀ + √(1−ᾱ)·ε with ε of unit variance.
    ///   - signalShare: ᾱ, between 0 and 1, the same for all images.
    ///   - labels: a label in 0..<labelCount for each image, or nil for none.
    ///   - cleanImages: receives count × pixels.
    func predict(
        noisy: [Float], signalShare: Double, labels: [Int?], into cleanImages: inout [Float]
    ) throws
}
