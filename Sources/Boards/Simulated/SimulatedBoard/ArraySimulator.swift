// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import CSimulationKernels
import DevicePhysics

/// Advances the chains of an array, 512 devices at a time.
///
/// The generator in here is fast and predictable, it is private, and nothing but the shots it
/// drives leaves this type: it can not be used as a source of random bits. Not thread-safe.
final class ArraySimulator {
    private let generator: UnsafeMutablePointer<ck_generator>
    /// The array twice: with the common mode up, and with it down. The states that count are those
    /// of the half that sampled last.
    private let strips: UnsafeMutablePointer<ck_chain_strip>
    private let memories: UnsafeMutablePointer<ck_memory_strip>
    private let words: Int
    private let stripCount: Int
    private let memory: DeviceMemory
    private let features = ck_features_here()
    private var half = 0
    private var commonMode = 0.0
    private var halves: SeedGenerator

    /// Resolution of a switching probability: thresholds are whole multiples of 2⁻²⁴.
    static let resolution = 0x1p-24
    /// For how many shots a common disturbance keeps its sign.
    private static let commonShots = 16

    /// Devices that never switch, until `set`.
    ///
    /// - Parameters:
    ///   - lanes: a multiple of 64.
    ///   - seed: what the generator and the first states are drawn from.
    init(lanes: Int, memory: DeviceMemory, seed: inout some RandomNumberGenerator) {
        precondition(lanes > 0 && lanes.isMultiple(of: 64))
        words = lanes / 64
        self.memory = memory
        stripCount = (words + Int(CK_STRIP_WORDS) - 1) / Int(CK_STRIP_WORDS)
        generator = .allocate(capacity: 1)
        generator.initialize(to: ck_generator())
        strips = .allocate(capacity: 2 * stripCount)
        strips.initialize(repeating: ck_chain_strip(), count: 2 * stripCount)
        memories = .allocate(capacity: 2 * stripCount)
        memories.initialize(repeating: ck_memory_strip(), count: 2 * stripCount)
        halves = .mixed(seed.next())
        withUnsafeMutableBytes(of: &generator.pointee) { Self.fill($0, from: &seed) }
        for strip in 0..<stripCount {
            withUnsafeMutableBytes(of: &strips[strip].state) { Self.fill($0, from: &seed) }
        }
    }

    deinit {
        generator.deallocate()
        strips.deallocate()
        memories.deallocate()
    }

    /// Sets the probabilities of every device; states stay as they are.
    ///
    /// - Parameters:
    ///   - chains: a device each. Probabilities are rounded to `resolution`, and above
    ///     1 − `resolution` to that.
    ///   - commonMode: by how much a probability of ½ moves up or down, together for all.
    func set(_ chains: [SwitchingChain], commonMode: Double) {
        self.commonMode = commonMode
        for (other, shift) in [commonMode, -commonMode].enumerated() where commonMode != 0 || other == half {
            for (lane, chain) in chains.enumerated() {
                set(chain, shift: shift, lane: lane, firstStrip: other * stripCount)
            }
        }
    }

    /// Writes `shots` rows of `words` 64-bit words.
    func sample(shots: Int, toggles: Bool, into rows: UnsafeMutablePointer<UInt64>) {
        var done = 0
        while done < shots {
            let count = commonMode == 0 ? shots - done : min(Self.commonShots, shots - done)
            if commonMode != 0 { enter(half: Int(halves.next() & 1)) }
            let first = half * stripCount
            ck_sample_lanes(
                features, generator, strips + first, memory.isOff ? nil : memories + first,
                memory.flips, words, count, toggles, rows + done * words)
            done += count
        }
    }

    /// The state of every device, as in a shot: `words` words.
    var states: [UInt64] {
        get {
            (0..<words).map { word in
                let (strip, place) = word.quotientAndRemainder(dividingBy: Int(CK_STRIP_WORDS))
                return withUnsafeBytes(of: &strips[half * stripCount + strip].state) {
                    $0.load(fromByteOffset: place * 8, as: UInt64.self)
                }
            }
        }
        set {
            precondition(newValue.count == words)
            for (word, bits) in newValue.enumerated() {
                let (strip, place) = word.quotientAndRemainder(dividingBy: Int(CK_STRIP_WORDS))
                withUnsafeMutableBytes(of: &strips[half * stripCount + strip].state) {
                    $0.storeBytes(of: bits, toByteOffset: place * 8, as: UInt64.self)
                }
            }
        }
    }

    private func enter(half new: Int) {
        guard new != half else { return }
        for strip in 0..<stripCount {
            let (from, to) = (half * stripCount + strip, new * stripCount + strip)
            strips[to].state = strips[from].state
            memories[to].hidden = memories[from].hidden
        }
        half = new
    }

    private func set(_ chain: SwitchingChain, shift: Double, lane: Int, firstStrip: Int) {
        let (place, bit) = lane.quotientAndRemainder(dividingBy: Int(CK_STRIP_WORDS) * 64)
        let strip = firstStrip + place
        func set(_ planes: UnsafeMutableRawBufferPointer, _ probability: Double) {
            Self.setPlanes(of: planes, bit: bit, to: Self.threshold(probability))
        }
        let up = chain.disturbed(by: shift + memory.amplitude)
        withUnsafeMutableBytes(of: &strips[strip].p01) { set($0, up.p01) }
        withUnsafeMutableBytes(of: &strips[strip].p10) { set($0, up.p10) }
        if memory.isOff { return }
        let down = chain.disturbed(by: shift - memory.amplitude)
        withUnsafeMutableBytes(of: &memories[strip].p01) { set($0, down.p01) }
        withUnsafeMutableBytes(of: &memories[strip].p10) { set($0, down.p10) }
    }

    private static func threshold(_ probability: Double) -> UInt32 {
        UInt32(min((probability / resolution).rounded(), 1 / resolution - 1))
    }

    private static func setPlanes(
        of planes: UnsafeMutableRawBufferPointer, bit: Int, to threshold: UInt32
    ) {
        let words = planes.bindMemory(to: UInt64.self)
        let (word, place) = (bit / 64, UInt64(bit % 64))
        for plane in 0..<Int(CK_THRESHOLD_BITS) {
            let index = plane * Int(CK_STRIP_WORDS) + word
            words[index] = words[index] & ~(1 << place) | UInt64(threshold >> plane & 1) << place
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
