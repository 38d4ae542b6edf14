// SPDX-License-Identifier: Apache-2.0

/// A function from blocks of admitted bits to blocks of output. A value without state; any thread may use it.
package protocol BlockFunction: Sendable {
    /// Bytes of input for each block of output, at most `BlockFunctions.inputLimit`.
    var inputBytes: Int { get }
    /// Bytes of a block of output, a power of two.
    var outputBytes: Int { get }

    /// Makes as many whole blocks as `output` holds. Called once for many blocks; allocates nothing.
    ///
    /// - Parameters:
    ///   - input: `inputBytes` bytes for each block of `output`.
    ///   - output: a whole number of blocks.
    func apply(to input: UnsafePointer<UInt8>, into output: UnsafeMutableRawBufferPointer)
}

extension BlockFunction {
    /// The number of whole blocks that `count` bytes of input make.
    package func blocks(from count: Int) -> Int { count / inputBytes }
}

/// Limits that every block function keeps.
package enum BlockFunctions {
    package static let inputLimit = 1024
}

/// The block function that changes nothing: raw bits are handed out as they are.
package struct Unconditioned: BlockFunction {
    package let inputBytes = 1
    package let outputBytes = 1

    package init() {}

    package func apply(
        to input: UnsafePointer<UInt8>, into output: UnsafeMutableRawBufferPointer
    ) {
        output.copyMemory(from: UnsafeRawBufferPointer(start: input, count: output.count))
    }
}

/// A vetted conditioning component of SP 800-90B 3.1.5.1.1: each block of input that is credited with enough
/// entropy becomes a block of full entropy.
package protocol Conditioner: BlockFunction {
    /// Unique among the conditioners.
    static var name: String { get }

    /// - Parameter claimedEntropyPerBit: min-entropy of each input bit, in (0, 1].
    init(claimedEntropyPerBit: Double)

    /// Checks the implementation that is used on this machine. Called before any bit is served.
    static func selfTest() throws(ConditionerSelfTest.Failure)
}

/// The conditioners of this program.
package enum Conditioners {
    /// Every conditioner, the one that is used first. A new one is a file with its type, and a line here.
    package static let all: [any Conditioner.Type] = [
        SHA256Conditioner.self
    ]

    /// The conditioner that makes bits of grade `full`.
    ///
    /// - Parameter claimedEntropyPerBit: min-entropy of each input bit, in (0, 1].
    package static func standard(claimedEntropyPerBit: Double) -> any Conditioner {
        all[0].init(claimedEntropyPerBit: claimedEntropyPerBit)
    }
}
