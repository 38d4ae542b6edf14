// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import CSimulationKernels

/// `ck_sample_lanes` with what it needs, made from the same values as a `ScalarSampler`.
struct KernelSampler {
    private var generator = ck_generator()
    private var strips: [ck_chain_strip]
    private var memories: [ck_memory_strip]
    private let flips: Int?

    init(_ scalar: ScalarSampler) {
        strips = Array(repeating: ck_chain_strip(), count: scalar.devices.count / 512)
        memories = Array(repeating: ck_memory_strip(), count: strips.count)
        flips = scalar.flips
        withUnsafeMutableBytes(of: &generator) { bytes in
            let words = bytes.bindMemory(to: UInt64.self)
            for index in words.indices { words[index] = scalar.columns[index % 8].s[index / 8] }
        }
        for (index, device) in scalar.devices.enumerated() {
            setBits(of: device, strip: index / 512, place: index % 512)
        }
    }

    private mutating func setBits(of device: ScalarSampler.Device, strip: Int, place: Int) {
        withUnsafeMutableBytes(of: &strips[strip]) {
            Self.setBits(in: $0, place, first: device.state, device.p01, device.p10)
        }
        withUnsafeMutableBytes(of: &memories[strip]) {
            Self.setBits(
                in: $0, place, first: device.hidden, device.hiddenP01, device.hiddenP10)
        }
    }

    /// Both kinds of strip are a bit, then 24 planes of p01, then 24 of p10, 8 words each.
    private static func setBits(
        in strip: UnsafeMutableRawBufferPointer, _ place: Int, first: Bool, _ p01: UInt32,
        _ p10: UInt32
    ) {
        let words = strip.bindMemory(to: UInt64.self)
        let bit = UInt64(1) << (place % 64)
        if first { words[place / 64] |= bit }
        for plane in 0..<24 {
            if p01 >> plane & 1 == 1 { words[8 * (1 + plane) + place / 64] |= bit }
            if p10 >> plane & 1 == 1 { words[8 * (25 + plane) + place / 64] |= bit }
        }
    }

    /// The state of the eight generators, for comparing what they have gone through.
    var generatorState: [UInt64] {
        withUnsafeBytes(of: generator) { Array($0.bindMemory(to: UInt64.self)) }
    }

    /// The state of the devices.
    var deviceStates: [UInt64] {
        strips.flatMap { strip in
            withUnsafeBytes(of: strip.state) { Array($0.bindMemory(to: UInt64.self)) }
        }
    }

    mutating func sample(
        _ features: ck_features, words: Int, shots: Int, toggles: Bool
    ) -> [UInt64] {
        // One word more, to see that nothing is written beyond the rows.
        var rows = [UInt64](repeating: 0xa5a5_a5a5_a5a5_a5a5, count: words * shots + 1)
        if let flips {
            ck_sample_lanes(
                features, &generator, &strips, &memories, UInt32(flips), words, shots, toggles,
                &rows)
        } else {
            ck_sample_lanes(
                features, &generator, &strips, nil, 0, words, shots, toggles, &rows)
        }
        precondition(rows.removeLast() == 0xa5a5_a5a5_a5a5_a5a5, "written beyond the rows")
        return rows
    }
}
