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
        let terms = Terms(inputEntropy: inputEntropy, inputBits: inputBits, width: width)
        // log2(ψ) + n, from ψ·2^n = (1 − p_hi)·2^n_in/(2^n_in − 1) + p_hi·2^n: 1 and a little more.
        let excess = exp2(terms.logHigh + Double(width)) - exp2(terms.logHigh)
        let fromPsi = log1p(excess) / Glibc.log(2)
        let fromOmega = terms.logOmega + Double(width)
        return (max(fromPsi, fromOmega) + Double(outputBits - width)) / Double(outputBits)
    }

    /// log2 of max(ψ, ω).
    private static func maximumOutputProbability(
        inputEntropy: Double, inputBits: Int, outputBits: Int, narrowestWidth: Int
    ) -> Double {
        let width = min(outputBits, narrowestWidth)
        let terms = Terms(inputEntropy: inputEntropy, inputBits: inputBits, width: width)
        return max(terms.logPsi, terms.logOmega)
    }

    /// The quantities of 3.1.5.1.2 as base-2 logarithms.
    private struct Terms {
        let logHigh: Double
        let logPsi: Double
        let logOmega: Double

        init(inputEntropy: Double, inputBits: Int, width: Int) {
            // p_hi = 2^−h_in; p_lo = (1 − p_hi) / (2^n_in − 1), whose −1 is lost in any precision.
            logHigh = -inputEntropy
            let logLow = log1p(-exp2(logHigh)) / Glibc.log(2) - Double(inputBits)
            let logShare = Double(inputBits - width)
            // ψ = 2^(n_in − n)·p_lo + p_hi
            logPsi = logSum(logShare + logLow, logHigh)
            // U = 2^(n_in − n) + √(2n·2^(n_in − n)·ln 2); ω = U·p_lo
            let root = (log2(2 * Double(width) * Glibc.log(2)) + logShare) / 2
            logOmega = logSum(logShare, root) + logLow
        }
    }
}

/// log2(2^a + 2^b).
private func logSum(_ a: Double, _ b: Double) -> Double {
    max(a, b) + log1p(exp2(-abs(a - b))) / Glibc.log(2)
}
