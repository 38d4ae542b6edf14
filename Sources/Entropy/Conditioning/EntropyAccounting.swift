// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How much entropy goes into and comes out of the conditioning of one block.
package enum EntropyAccounting {
    /// Bits in a block of `full` output.
    package static let blockBits = 256
    /// Bits of min-entropy that a block's input must be credited with: SP 800-90C asks for 64 more
    /// than the output has.
    package static let creditedBits = blockBits + 64

    /// How many bytes of admitted bits make the input of one block: the least whole number whose
    /// bits are credited with `creditedBits`.
    ///
    /// - Parameter claimedEntropyPerBit: in (0, 1].
    package static func inputBytes(claimedEntropyPerBit: Double) -> Int {
        precondition(claimedEntropyPerBit > 0 && claimedEntropyPerBit <= 1)
        var bytes = Int(Double(creditedBits / 8) / claimedEntropyPerBit)
        // The quotient is a rounded one: the product, which is the credit, decides.
        while Double(bytes * 8) * claimedEntropyPerBit < Double(creditedBits) { bytes += 1 }
        return bytes
    }

    /// Entropy at the output of a vetted conditioning component, in bits: SP 800-90B 3.1.5.1.2.
    ///
    /// - Parameters:
    ///   - inputEntropy: min-entropy of the input, h_in, in bits.
    ///   - inputBits: length of the input, n_in; more than `outputBits`, and at least
    ///     `inputEntropy`.
    ///   - outputBits: length of the output, n_out.
    ///   - narrowestWidth: the narrowest internal width of the component, nw.
    package static func outputEntropy(
        inputEntropy: Double, inputBits: Int, outputBits: Int, narrowestWidth: Int
    ) -> Double {
        let width = min(outputBits, narrowestWidth)
        return Double(width)
            - shortfall(inputEntropy: inputEntropy, inputBits: inputBits, width: width)
    }

    /// By how little the output falls short of full entropy: ε = 1 − h_out / n_out, without the
    /// loss of digits of that subtraction.
    package static func entropyDeficit(
        inputEntropy: Double, inputBits: Int, outputBits: Int, narrowestWidth: Int
    ) -> Double {
        let width = min(outputBits, narrowestWidth)
        let lost = shortfall(inputEntropy: inputEntropy, inputBits: inputBits, width: width)
        return (lost + Double(outputBits - width)) / Double(outputBits)
    }

    /// n − h_out = log2(max(ψ, ω)·2^n) for an output of n bits.
    ///
    /// ψ and ω go down to 2^−n, so both are taken times 2^n, where they are 1 and a little more, and
    /// only that little is computed. The −1 of p_lo = (1 − p_hi) / (2^n_in − 1) is lost
    /// in any precision.
    private static func shortfall(inputEntropy: Double, inputBits: Int, width: Int) -> Double {
        precondition(inputEntropy >= 0)
        let n = Double(width)
        let high = exp2(-inputEntropy)
        // ψ·2^n = (2^(n_in − n)·p_lo + p_hi)·2^n = 1 + p_hi·(2^n − 1)
        let gain = n - inputEntropy
        let psi = gain > 64 ? gain : log1p(exp2(gain) - high) / ln2
        // U·p_lo·2^n, U = 2^(n_in − n) + √(2n·2^(n_in − n)·ln 2): (1 + √(2n·ln 2 / 2^(n_in − n)))
        // times (1 − p_hi)
        let root = (log2(2 * n * ln2) - Double(inputBits - width)) / 2
        let omega = (log1p(exp2(root)) + log1p(-high)) / ln2
        return max(psi, omega)
    }

    private static let ln2 = log(2.0)
}
