// SPDX-License-Identifier: Apache-2.0

import Foundation
import PNGFiles
import TestSupport
import Testing

@Suite("PNG: what is written reads back, says what it should, and hostile files are refused")
struct PNGFilesTests {
    private static let image = GrayImage(
        height: 11, width: 7, pixels: (0..<77).map { UInt8(truncatingIfNeeded: $0 * 37) })

    /// The types and data of the chunks, read by a parser of the tests' own.
    private func chunks(_ file: [UInt8]) -> [(type: String, data: [UInt8])] {
        var chunks: [(String, [UInt8])] = []
        var position = 8
        while position + 12 <= file.count {
            let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            chunks.append(
                (
                    String(decoding: file[position + 4..<position + 8], as: UTF8.self),
                    Array(file[position + 8..<position + 8 + length])
                ))
            position += 12 + length
        }
        return chunks
    }

    @Test("An image reads back")
    func roundTrip() throws {
        #expect(try decodePNG(encodePNG(Self.image), limit: 64) == Self.image)
        let noise = GrayImage(
            height: 300, width: 200,
            pixels: {
                var g = SeededGenerator(1); return g.bytes(60_000)
            }())
        #expect(try decodePNG(encodePNG(noise), limit: 300) == noise)
    }

    @Test("Texts come before the pixels, in Latin-1 or UTF-8, and do not disturb the image")
    func texts() throws {
        let file = try encodePNG(Self.image, texts: [PNGText("Provenance", "simulated"), PNGText("Board", "µ\u{0}x")])
        let found = chunks(file)
        #expect(found.map(\.type).starts(with: ["IHDR", "tEXt", "iTXt"]))
        #expect(found[1].data == Array("Provenance\u{0}simulated".utf8))
        #expect(found[2].data == Array("Board\u{0}\u{0}\u{0}\u{0}\u{0}µx".utf8))
        #expect(try decodePNG(file, limit: 64) == Self.image)
    }

    @Test("An animated image has its frames, and shows the first where there is no animation")
    func animated() throws {
        let frames = (0..<3).map { shift in
            GrayImage(height: 11, width: 7, pixels: Self.image.pixels.map { $0 &+ UInt8(40 * shift) })
        }
        let file = try encodeAnimatedPNG(frames, delays: [1_000, 100, 200], texts: [PNGText("Software", "x")])
        #expect(try decodePNG(file, limit: 64) == Self.image)
        let types = chunks(file).map(\.type)
        #expect(types.starts(with: ["IHDR", "tEXt", "acTL"]) && types.last == "IEND")
        #expect(types.count { $0 == "fcTL" } == 3 && types.contains("IDAT") && types.count { $0 == "fdAT" } == 2)
        #expect(chunks(file).first { $0.type == "acTL" }?.data == [0, 0, 0, 3, 0, 0, 0, 0])
        // Numbers in sequence, and a frame's data in the form of an image of its own.
        let numbered = chunks(file).filter { $0.type == "fcTL" || $0.type == "fdAT" }
        #expect(numbered.map { $0.data[3] } == [0, 1, 2, 3, 4])
        let alone = chunks(try encodePNG(frames[1])).first { $0.type == "IDAT" }?.data
        #expect(numbered[2].data.dropFirst(4) == alone?[...])
    }

    @Test("Checksums are those of the specification")
    func checksum() throws {
        // The end of every PNG.
        #expect(try encodePNG(Self.image).suffix(12) == [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82])
    }

    @Test("A larger image than allowed is refused before its pixels are read")
    func size() throws {
        let wide = GrayImage(height: 1, width: 129, pixels: Array(repeating: 0, count: 129))
        #expect(throws: PNGError.tooLarge(height: 1, width: 129, limit: 128)) {
            try decodePNG(encodePNG(wide), limit: 128)
        }
        var huge = try encodePNG(Self.image)
        // A width of 2³¹ − 1 in a header that is not checked.
        huge.replaceSubrange(16..<20, with: [0x7F, 0xFF, 0xFF, 0xFF])
        #expect(throws: PNGError.self) { try decodePNG(huge, limit: 128) }
    }

    @Test(
        "Colours, palettes, single bits and transparency read as grey",
        arguments: [
            "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4//8/AwQAWQAp5AX7XiD3SwAAAABJRU5ErkJggg==",
            "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACAQAAAABazTCJAAAADElEQVR4nGNoYHAAAAHEAMGYZjUWAAAAAElFTkSuQmCC",
            "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAMAAABFaP0WAAAABlBMVEUAAAD///+l2Z/dAAAADklEQVR4nGNgZGBgYAQAAAwAAwNhn3wAAAAASUVORK5CYII=",
            "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAQAAADYv8WvAAAAEklEQVR4nGP4//8/A8N/hv//AR7rBfthipFQAAAAAElFTkSuQmCC",
        ])
    func kinds(base64: String) throws {
        let image = try decodePNG(Array(try #require(Data(base64Encoded: base64))), limit: 64)
        #expect(image == GrayImage(height: 2, width: 2, pixels: [255, 0, 0, 255]))
    }

    @Test("Sixteen bits a channel are refused")
    func depth() throws {
        let file =
            "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACEAAAAAAHTY67AAAAEElEQVR4nGP4/58BBP7/BwAT9gP96bv4bAAAAABJRU5ErkJggg=="
        let bytes = Array(try #require(Data(base64Encoded: file)))
        #expect(throws: PNGError.tooDeep) { try decodePNG(bytes, limit: 64) }
    }

    @Test("Every cut and every flipped byte is an error or an image, never more")
    func damaged() throws {
        let file = try encodePNG(Self.image)
        for length in 0..<file.count {
            #expect(throws: PNGError.self) { try decodePNG(Array(file[..<min(length, file.count - 13)]), limit: 64) }
        }
        var generator = SeededGenerator(2)
        for _ in 0..<2_000 {
            var hostile = file
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                hostile[Int.random(in: 0..<file.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if let image = try? decodePNG(hostile, limit: 64) {
                #expect(image.pixels.count == image.height * image.width)
            }
        }
        #expect(throws: PNGError.self) { try decodePNG([], limit: 64) }
        #expect(throws: PNGError.self) { try decodePNG(Array("GIF89a".utf8), limit: 64) }
    }
}
