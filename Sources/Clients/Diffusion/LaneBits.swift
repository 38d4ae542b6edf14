// SPDX-License-Identifier: Apache-2.0

/// A bit for each lane of an array: states, or a mask.
public struct LaneBits: Hashable, Sendable {
    /// The number of lanes.
    public let count: Int
    /// Lane i is bit i % 64 of word i / 64; the bits beyond the last lane are 0.
    public private(set) var words: [UInt64]

    /// The same bit for every lane.
    public init(repeating bit: Bool, count: Int) {
        precondition(count >= 0)
        self.count = count
        words = Array(repeating: bit ? .max : 0, count: (count + 63) / 64)
        clearRest()
    }

    /// The bits of `words`, of which those beyond the last lane are ignored.
    ///
    /// - Parameter words: (count + 63) / 64 of them.
    public init(words: [UInt64], count: Int) {
        precondition(words.count == (count + 63) / 64)
        self.count = count
        self.words = words
        clearRest()
    }

    /// The bit of a lane.
    public subscript(lane: Int) -> Bool {
        get {
            precondition(lane < count)
            return words[lane >> 6] >> UInt64(lane & 63) & 1 != 0
        }
        set {
            precondition(lane < count)
            let bit: UInt64 = 1 << UInt64(lane & 63)
            if newValue { words[lane >> 6] |= bit } else { words[lane >> 6] &= ~bit }
        }
    }

    /// The number of lanes whose bit is 1.
    public var ones: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The other bit for every lane.
    public var complement: LaneBits { LaneBits(words: words.map { ~$0 }, count: count) }

    /// 1 for each lane whose two bits differ.
    public static func ^ (left: LaneBits, right: LaneBits) -> LaneBits {
        precondition(left.count == right.count)
        return LaneBits(words: zip(left.words, right.words).map { $0 ^ $1 }, count: left.count)
    }

    /// 1 for each lane that has a 1 in either.
    public static func | (left: LaneBits, right: LaneBits) -> LaneBits {
        precondition(left.count == right.count)
        return LaneBits(words: zip(left.words, right.words).map { $0 | $1 }, count: left.count)
    }

    private mutating func clearRest() {
        guard !count.isMultiple(of: 64) else { return }
        words[words.count - 1] &= 1 << UInt64(count & 63) - 1
    }
}
