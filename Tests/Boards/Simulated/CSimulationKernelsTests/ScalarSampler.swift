// SPDX-License-Identifier: Apache-2.0

/// xoshiro256+ as Blackman and Vigna publish it.
struct Xoshiro {
    var s: [UInt64]

    mutating func next() -> UInt64 {
        let result = s[0] &+ s[3]
        let shifted = s[1] << 17
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = s[3] << 45 | s[3] >> 19
        return result
    }
}

/// What `ck_sample_lanes` does, a device at a time: each draws a 24-bit number of its own and switches
/// when it is below its threshold.
///
/// Bits of the number are the device's bits in the words that its column's generator gives in the
/// shot, the highest one first. After the first 12, four more and then the last eight are drawn only
/// where, without them, a device of the strip would not know whether to switch.
struct ScalarSampler {
    struct Device {
        var state: Bool
        var p01: UInt32
        var p10: UInt32
        /// The hidden bit, and what holds while it is 1.
        var hidden = false
        var hiddenP01: UInt32 = 0
        var hiddenP10: UInt32 = 0

        var threshold: UInt32 {
            hidden ? state ? hiddenP10 : hiddenP01 : state ? p10 : p01
        }
    }

    var columns: [Xoshiro]
    var devices: [Device]
    /// In how many of 16 shots a hidden bit flips; nil without memory.
    var flips: Int?

    mutating func sample(words: Int, shots: Int, toggles: Bool) -> [UInt64] {
        var rows = [UInt64](repeating: 0, count: words * shots)
        for first in stride(from: 0, to: devices.count, by: 512) {
            for shot in 0..<shots {
                let switched = pulse(first..<first + 512)
                for place in 0..<512 {
                    let bit = toggles ? switched[place] : devices[first + place].state
                    let word = first / 64 + place / 64
                    if bit && word < words { rows[shot * words + word] |= 1 << (place % 64) }
                }
            }
        }
        return rows
    }

    private mutating func pulse(_ strip: Range<Int>) -> [Bool] {
        if let flips { flipHidden(strip, in: flips) }
        var numbers = draw(planes: 12)
        var isOpen = true
        for (planes, left) in [(4, UInt32(12)), (8, 8)] {
            isOpen = isOpen && zip(strip, numbers).contains { devices[$0].threshold >> left == $1 }
            let more = isOpen ? draw(planes: planes) : Array(repeating: 0, count: 512)
            numbers = zip(numbers, more).map { $0 << UInt32(planes) | $1 }
        }
        let switched = zip(strip, numbers).map { $1 < devices[$0].threshold }
        for (device, switches) in zip(strip, switched) where switches {
            devices[device].state.toggle()
        }
        return switched
    }

    /// A number with so many bits for each place of the strip.
    private mutating func draw(planes: Int) -> [UInt32] {
        var numbers = [UInt32](repeating: 0, count: 512)
        for _ in 0..<planes {
            let words = columns.indices.map { columns[$0].next() }
            for place in 0..<512 {
                numbers[place] =
                    numbers[place] << 1 | UInt32(words[place / 64] >> (place % 64) & 1)
            }
        }
        return numbers
    }

    /// A bit flips with probability `flips` / 16: from the lowest digit of `flips` up, a 1 is met by
    /// "or" and a 0 by "and" with a random bit.
    private mutating func flipHidden(_ strip: Range<Int>, in flips: Int) {
        let numbers = draw(planes: 4)
        for (device, number) in zip(strip, numbers) {
            var chosen = false
            for digit in 0..<4 {
                let random = number >> (3 - digit) & 1 == 1
                chosen = flips >> digit & 1 == 1 ? chosen || random : chosen && random
            }
            if chosen { devices[device].hidden.toggle() }
        }
    }
}
