// SPDX-License-Identifier: Apache-2.0

import CPNG

/// Why bytes are no usable PNG image, or an image has no PNG.
package enum PNGError: Error, Equatable {
    /// The bytes are no PNG, or a damaged one; libpng's reason.
    case damaged(String)
    /// The image has a side of more pixels than are allowed.
    case tooLarge(height: Int, width: Int, limit: Int)
    /// The image has 16 bits a channel.
    case tooDeep
    /// libpng could not make the file; its reason.
    case notWritten(String)
}

/// Reads a PNG image as grey; colours become their luminance, and what is transparent lies on black.
///
/// - Parameters:
///   - bytes: the file.
///   - limit: the most pixels of a side; checked before any pixel is decoded.
package func decodePNG(_ bytes: [UInt8], limit: Int) throws(PNGError) -> GrayImage {
    let result = bytes.withUnsafeBytes { buffer in
        Result { () throws(PNGError) in try decode(buffer, limit: limit) }
    }
    return try result.get()
}

private func decode(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(PNGError) -> GrayImage {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0 else {
        throw .damaged(message(of: image))
    }
    let (height, width) = (Int(image.height), Int(image.width))
    guard height <= limit, width <= limit else { throw .tooLarge(height: height, width: width, limit: limit) }
    guard image.format & UInt32(PNG_FORMAT_FLAG_LINEAR) == 0 else { throw .tooDeep }
    image.format = UInt32(PNG_FORMAT_GRAY)
    var pixels = [UInt8](repeating: 0, count: height * width)
    var black = png_color(red: 0, green: 0, blue: 0)
    guard png_image_finish_read(&image, &black, &pixels, 0, nil) != 0 else { throw .damaged(message(of: image)) }
    return GrayImage(height: height, width: width, pixels: pixels)
}

/// Encodes an image as PNG.
///
/// - Parameter texts: what the file says about the image, in this order.
package func encodePNG(_ image: GrayImage, texts: [PNGText] = []) throws(PNGError) -> [UInt8] {
    var chunks = try chunks(of: image)
    chunks.insert(contentsOf: texts.map(PNGChunk.init), at: 1)
    return PNGChunk.file(chunks)
}

/// Encodes images of one size as an animated PNG, which repeats for ever. Programs that know no animation show the first
/// image.
///
/// - Parameters:
///   - images: at least one.
///   - delays: how long each is shown, in milliseconds.
///   - texts: what the file says about the images.
package func encodeAnimatedPNG(
    _ images: [GrayImage], delays: [Int], texts: [PNGText] = []
) throws(PNGError) -> [UInt8] {
    precondition(!images.isEmpty && delays.count == images.count)
    var result: [PNGChunk] = []
    var sequence: UInt32 = 0
    for (index, image) in images.enumerated() {
        precondition(image.height == images[0].height && image.width == images[0].width)
        let chunks = try chunks(of: image)
        let data = chunks.filter { $0.type == "IDAT" }
        if index == 0 {
            let beforeData = chunks.prefix { $0.type != "IDAT" }
            result += beforeData.prefix(1) + texts.map(PNGChunk.init)
            result.append(PNGChunk("acTL", bigEndian(UInt32(images.count)) + bigEndian(UInt32(0))))
            result += beforeData.dropFirst()
        }
        result.append(frameControl(image, delay: delays[index], sequence: &sequence))
        for chunk in data {
            guard index > 0 else {
                result.append(chunk)
                continue
            }
            result.append(PNGChunk("fdAT", bigEndian(sequence) + chunk.data))
            sequence += 1
        }
    }
    return PNGChunk.file(result + [PNGChunk("IEND", [])])
}

private func frameControl(_ image: GrayImage, delay: Int, sequence: inout UInt32) -> PNGChunk {
    let numbers = [sequence, UInt32(image.width), UInt32(image.height), 0, 0].flatMap { bigEndian($0) }
    sequence += 1
    let times = bigEndian(UInt16(clamping: delay)) + bigEndian(UInt16(1_000))
    return PNGChunk("fcTL", numbers + times + [0, 0])
}

/// The chunks that libpng makes of an image.
private func chunks(of image: GrayImage) throws(PNGError) -> [PNGChunk] {
    var description = png_image()
    description.version = UInt32(PNG_IMAGE_VERSION)
    description.height = UInt32(image.height)
    description.width = UInt32(image.width)
    description.format = UInt32(PNG_FORMAT_GRAY)
    defer { png_image_free(&description) }
    // More than deflate makes of anything, and the chunks around it.
    let rows = image.height * (image.width + 1)
    var bytes = [UInt8](repeating: 0, count: rows + rows / 500 + 4_096)
    var count = bytes.count
    guard png_image_write_to_memory(&description, &bytes, &count, 0, image.pixels, 0, nil) != 0 else {
        throw .notWritten(message(of: description))
    }
    return PNGChunk.chunks(of: Array(bytes[..<count]))
}

private func message(of image: png_image) -> String {
    withUnsafeBytes(of: image.message) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
}
