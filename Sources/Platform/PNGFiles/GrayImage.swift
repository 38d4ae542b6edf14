// SPDX-License-Identifier: Apache-2.0

/// A grey image of 8 bits a pixel.
package struct GrayImage: Hashable, Sendable {
    package let height: Int
    package let width: Int
    /// Row-major; 0 is black.
    package var pixels: [UInt8]

    /// - Parameter pixels: height × width of them.
    package init(height: Int, width: Int, pixels: [UInt8]) {
        precondition(height > 0 && width > 0 && pixels.count == height * width)
        self.height = height
        self.width = width
        self.pixels = pixels
    }
}
