// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Changes inputs as a fuzzer does, the same way in every run with the same seed.
package struct Mutations {
    private var random: SeededGenerator
    private let corpus: [[UInt8]]
    private let limit: Int

    private static let telling: [UInt8] = [
        0, 1, 0x7F, 0x80, 0xFF, UInt8(ascii: "\n"), UInt8(ascii: "\""), UInt8(ascii: "["),
        UInt8(ascii: "{"), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "0"),
    ]

    /// - Parameters:
    ///   - corpus: inputs that parts are taken from.
    ///   - limit: the longest input that is made, in bytes.
    package init(seed: UInt64, corpus: [[UInt8]], limit: Int) {
        random = SeededGenerator(seed)
        self.corpus = corpus
        self.limit = limit
    }

    /// The input after one to eight changes.
    package mutating func mutation(of input: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...8, using: &random) { change(&bytes) }
        return Array(bytes.prefix(limit))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        let count = Int.random(in: 1...16, using: &random)
        let end = min(bytes.count, at + count)
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where at < bytes.count: bytes[at] = byte()
        case 2: bytes.insert(byte(), at: at)
        case 3: bytes.removeSubrange(at..<end)
        case 4: bytes.insert(contentsOf: bytes[at..<end], at: at)
        case 5: bytes.replaceSubrange(at..<end, with: number().prefix(end - at))
        case 6: bytes.insert(contentsOf: repeatElement(byte(), count: count * count), at: at)
        default: splice(into: &bytes, at: at)
        }
    }

    private mutating func byte() -> UInt8 {
        Bool.random(using: &random)
            ? .random(in: 0 ... .max, using: &random)
            : Self.telling[Int.random(in: 0..<Self.telling.count, using: &random)]
    }

    /// A number near the end of a range, little-endian.
    private mutating func number() -> [UInt8] {
        let width = UInt64.random(in: 0...64, using: &random)
        let value = (1 << width) &+ UInt64.random(in: 0...2, using: &random) &- 1
        return withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// Goes on, from `at`, with a part of another input.
    private mutating func splice(into bytes: inout [UInt8], at: Int) {
        guard let other = corpus.randomElement(using: &random), !other.isEmpty else { return }
        let from = Int.random(in: 0..<other.count, using: &random)
        bytes.replaceSubrange(at..., with: other[from...])
    }
}
