// SPDX-License-Identifier: Apache-2.0

import PNGFiles

/// Grey levels from −1 to 1 as bytes.
func bytes(ofLevels levels: some Collection<Float>) -> [UInt8] {
    levels.map { UInt8(min(max(($0 + 1) * 127.5, 0), 255).rounded()) }
}

/// Images in rows, with lines between them, each pixel as a square of several.
///
/// - Parameters:
///   - images: of one size; at least one.
///   - columns: the number of images in a row.
///   - scale: the side of a pixel's square.
func grid(_ images: [GrayImage], columns: Int, scale: Int) -> GrayImage {
    let (height, width) = (images[0].height, images[0].width)
    let columns = min(columns, images.count)
    let rows = (images.count + columns - 1) / columns
    let gap = max(1, scale / 2)
    let total = (
        height: rows * (height * scale + gap) + gap, width: columns * (width * scale + gap) + gap
    )
    var pixels = [UInt8](repeating: 64, count: total.height * total.width)
    for (index, image) in images.enumerated() {
        let top = gap + index / columns * (height * scale + gap)
        let left = gap + index % columns * (width * scale + gap)
        for y in 0..<height * scale {
            let row = (top + y) * total.width + left
            for x in 0..<width * scale { pixels[row + x] = image.pixels[y / scale * width + x / scale] }
        }
    }
    return GrayImage(height: total.height, width: total.width, pixels: pixels)
}

/// The scale at which a picture of images is large enough to look at.
func pictureScale(_ image: GrayImage) -> Int { max(1, 96 / max(image.height, image.width)) }
