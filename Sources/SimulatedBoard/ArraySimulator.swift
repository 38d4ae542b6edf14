// SPDX-License-Identifier: Apache-2.0

import CKernels
import DevicePhysics

/// Advances the chains of an array, 512 devices at a time.
///
/// The generator in here is fast and predictable, it is private, and nothing but the shots it
/// drives leaves this type: it can not be used as a source of random bits. Not thread-safe.
final class ArraySimulator {
    private let generator: UnsafeMutablePointer<ck_generator>
    private let strips: UnsafeMutablePointer<ck_chain_strip>
    private let words: Int
    private let features = ck_features_here()

    /// Resolution of a switching probability: thresholds are whole multiples of 1 / 65,536.
    static let resolution = 1.0 / 65536

    /// - Parameters:
    ///   - chains: a device each; a multiple of 64. Probabilities are rounded to `resolution`, and
    ///     above 65,535 / 65,536 to that.
    ///   - seed: what the generator and the first states are drawn from.
    init(chains: [SwitchingChain], seed: inout some RandomNumberGenerator) {
        precondition(!chains.isEmpty && chains.count.isMultiple(of: 64))
        words = chains.count / 64
        let stripCount = (words + Int(CK_STRIP_WORDS) - 1) / Int(CK_STRIP_WORDS)
        generator = .allocate(capacity: 1)
        generator.initialize(to: ck_generator())
        strips = .allocate(capacity: stripCount)
        strips.initialize(repeating: ck_chain_strip(), count: stripCount)
        withUnsafeMutableBytes(of: &generator.pointee) { Self.fill($0, from: &seed) }
        for strip in 0..<stripCount {
            withUnsafeMutableBytes(of: &strips[strip].state) { Self.fill($0, from: &seed) }
        }
        for (lane, chain) in chains.enumerated() { set(chain, ofLane: lane) }
    }

    deinit {
        generator.deallocate()
        strips.deallocate()
    }

    /// Writes `shots` rows of `words` 64-bit words.
    func sample(shots: Int, toggles: Bool, into rows: UnsafeMutableRawPointer) {
        ck_sample_lanes(
            features, generator, strips, nil, 0, words, shots, toggles,
            rows.assumingMemoryBound(to: UInt64.self))
    }

    private func set(_ chain: SwitchingChain, ofLane lane: Int) {
        let (strip, bit) = lane.quotientAndRemainder(dividingBy: Int(CK_STRIP_WORDS) * 64)
        withUnsafeMutableBytes(of: &strips[strip].p01) {
            Self.setPlanes(of: $0, bit: bit, to: Self.threshold(chain.p01))
        }
        withUnsafeMutableBytes(of: &strips[strip].p10) {
            Self.setPlanes(of: $0, bit: bit, to: Self.threshold(chain.p10))
        }
    }

    private static func threshold(_ probability: Double) -> UInt16 {
        UInt16(min((probability / resolution).rounded(), 65535))
    }

    private static func setPlanes(
        of planes: UnsafeMutableRawBufferPointer, bit: Int, to threshold: UInt16
    ) {
        let words = planes.bindMemory(to: UInt64.self)
        for plane in 0..<Int(CK_THRESHOLD_BITS) where threshold >> plane & 1 == 1 {
            words[plane * Int(CK_STRIP_WORDS) + bit / 64] |= 1 << (bit % 64)
        }
    }

    private static func fill(
        _ bytes: UnsafeMutableRawBufferPointer, from seed: inout some RandomNumberGenerator
    ) {
        for index in bytes.bindMemory(to: UInt64.self).indices {
            let word: UInt64 = seed.next()
            bytes.storeBytes(of: word, toByteOffset: index * 8, as: UInt64.self)
        }
    }
}
