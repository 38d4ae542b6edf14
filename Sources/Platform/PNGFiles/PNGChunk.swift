// SPDX-License-Identifier: Apache-2.0

/// Something that a PNG file says about its image.
package struct PNGText: Hashable, Sendable {
    /// One of the specification's, such as "Software", or another: 1 to 79 characters of ASCII.
    package let keyword: String
    package let text: String

    package init(_ keyword: String, _ text: String) {
        precondition((1...79).contains(keyword.utf8.count) && keyword.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
        self.keyword = keyword
        self.text = text
    }
}

/// A piece of a PNG file.
struct PNGChunk: Equatable {
    /// Four letters.
    let type: String
    let data: [UInt8]

    init(_ type: String, _ data: [UInt8]) {
        self.type = type
        self.data = data
    }

    /// A text, in Latin-1 where ASCII is enough, otherwise in UTF-8. Zeros, which would end it, are left out.
    init(_ text: PNGText) {
        let bytes = text.text.utf8.filter { $0 != 0 }
        let keyword = Array(text.keyword.utf8) + [0]
        if bytes.allSatisfy({ $0 < 0x80 }) {
            self.init("tEXt", keyword + bytes)
        } else {
            // Not compressed, no language, no translated keyword.
            self.init("iTXt", keyword + [0, 0, 0, 0] + bytes)
        }
    }

    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// The file that has these chunks.
    static func file(_ chunks: [PNGChunk]) -> [UInt8] {
        chunks.reduce(into: signature) { file, chunk in
            let checked = Array(chunk.type.utf8) + chunk.data
            file += bigEndian(UInt32(chunk.data.count)) + checked + bigEndian(checksum(checked))
        }
    }

    /// The chunks of a file that libpng has made.
    static func chunks(of file: [UInt8]) -> [PNGChunk] {
        var chunks: [PNGChunk] = []
        var position = signature.count
        while position + 12 <= file.count {
            let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            let data = position + 8..<position + 8 + length
            precondition(data.upperBound + 4 <= file.count)
            let type = String(decoding: file[position + 4..<position + 8], as: UTF8.self)
            chunks.append(PNGChunk(type, Array(file[data])))
            position = data.upperBound + 4
        }
        return chunks
    }

    /// The CRC-32 of the specification.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? 0xEDB8_8320 ^ rest >> 1 : rest >> 1 }
    }
}
