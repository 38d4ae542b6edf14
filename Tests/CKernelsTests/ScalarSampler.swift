// SPDX-License-Identifier: Apache-2.0

/// xoshiro256++ as Blackman and Vigna publish it.
struct Xoshiro {
    var s: [UInt64]

    mutating func next() -> UInt64 {
        let sum = s[0] &+ s[3]
        let result = (sum << 23 | sum >> 41) &+ s[0]
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

/// What `ck_sample_lanes` does, a device at a time: each draws a 16-bit number of its own, whose
/// bit k is the device's bit in the k-th word that its column's generator gives in the shot, and
/// switches when the number is below its threshold.
struct ScalarSampler {
    struct Device {
        var state: Bool
        var p01: UInt16
        var p10: UInt16
    }

    var columns: [Xoshiro]
    var devices: [Device]

    mutating func sample(words: Int, shots: Int, toggles: Bool) -> [UInt64] {
        var rows = [UInt64](repeating: 0, count: words * shots)
        for first in stride(from: 0, to: devices.count, by: 512) {
            for shot in 0..<shots {
                let planes = (0..<16).map { _ in columns.indices.map { columns[$0].next() } }
                for place in 0..<512 {
                    let switched = pulse(first + place, planes: planes.map { $0[place / 64] })
                    let bit = toggles ? switched : devices[first + place].state
                    let word = first / 64 + place / 64
                    if bit && word < words { rows[shot * words + word] |= 1 << (place % 64) }
                }
            }
        }
        return rows
    }

    private mutating func pulse(_ device: Int, planes: [UInt64]) -> Bool {
        let number = planes.indices.reduce(0) { $0 | (planes[$1] >> (device % 64) & 1) << $1 }
        let chain = devices[device]
        let switches = number < UInt64(chain.state ? chain.p10 : chain.p01)
        if switches { devices[device].state.toggle() }
        return switches
    }
}
