// SPDX-License-Identifier: Apache-2.0

/// The source of the random numbers of a simulated array.
package enum SimulationSeed: Sendable, Equatable {
    /// The kernel's generator: every run differs.
    case kernel
    /// A fixed number, so that a test sees the same array and the same shots each time.
    case fixed(UInt64)

    func makeGenerator() -> SeedGenerator {
        switch self {
        case .kernel: SeedGenerator.kernel
        case .fixed(let seed): SeedGenerator.mixed(seed)
        }
    }
}

/// The random numbers from which a simulation starts. Never a source of entropy.
enum SeedGenerator: RandomNumberGenerator {
    case kernel
    /// SplitMix64 (Steele, Lea and Flood 2014) with its state.
    case mixed(UInt64)

    mutating func next() -> UInt64 {
        switch self {
        case .kernel:
            var system = SystemRandomNumberGenerator()
            return system.next()
        case .mixed(let state):
            let advanced = state &+ 0x9e37_79b9_7f4a_7c15
            self = .mixed(advanced)
            var mixed = (advanced ^ advanced >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return mixed ^ mixed >> 31
        }
    }
}
