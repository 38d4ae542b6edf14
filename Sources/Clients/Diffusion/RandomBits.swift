// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Coins, binomial numbers and permutations from random bits, with as few of them as is practical. For one thread at a
/// time.
public final class RandomBits {
    /// Words that are drawn at once: little at first, since those that are left at the end were drawn in vain.
    private static let firstWords = 64
    private static let mostWords = 8_192

    private let source: any RandomSource
    private var words: [UInt64] = []
    /// The next word of `words`.
    private var next = 0
    /// Bits of a word that was begun, the next one lowest.
    private var rest: UInt64 = 0
    private var restCount = 0

    /// The number of bits that were used.
    public private(set) var usedBits = 0

    /// Numbers made of the bits of `source`, which nothing else draws from meanwhile.
    public init(_ source: any RandomSource) { self.source = source }

    /// Fills `samples` with independent normal numbers of mean 0 and variance 1.
    public func fillNormal(_ samples: inout [Float]) throws(DiffusionError) { try source.fillNormal(&samples) }

    // MARK: Bits

    /// The next bits, as the lowest of the result.
    ///
    /// - Parameter count: from 1 to 32.
    @inline(__always)
    func bits(_ count: Int) throws(DiffusionError) -> UInt64 {
        if restCount < count { try refill() }
        let result = rest & (1 << UInt64(count) &- 1)
        rest >>= UInt64(count)
        restCount -= count
        usedBits += count
        return result
    }

    /// Makes at least 32 bits ready; the few that were left of a word are discarded.
    private func refill() throws(DiffusionError) {
        if next == words.count {
            words = Array(repeating: 0, count: words.isEmpty ? Self.firstWords : min(2 * words.count, Self.mostWords))
            next = 0
            do throws(DiffusionError) {
                try source.fill(&words)
            } catch {
                words = []
                throw error
            }
        }
        rest = words[next]
        // A bit is used once, also when memory is looked at later.
        words[next] = 0
        next += 1
        restCount = 64
    }

    // MARK: Coins

    /// A coin that comes up true with a probability, which is exact to 2⁻⁶⁴. Two bits on average.
    ///
    /// The binary digits of the probability are compared with random ones from the first on; the first that differs
    /// decides.
    ///
    /// - Parameter probability: from 0 to 1; others are taken as the nearest of these.
    public func coin(_ probability: Double) throws(DiffusionError) -> Bool {
        guard probability > 0 else { return false }
        guard probability < 1 else { return true }
        let digits = UInt64(probability * 0x1p64)
        for digit in (0..<64).reversed() {
            let wanted = digits >> UInt64(digit) & 1
            if try bits(1) != wanted { return wanted == 1 }
        }
        return false
    }

    /// A number in 0..<limit, each as likely as the others.
    ///
    /// - Parameter limit: from 1 to 2³².
    public func number(below limit: Int) throws(DiffusionError) -> Int {
        precondition(limit > 0 && limit <= 1 << 32)
        let width = Int.bitWidth - (limit - 1).leadingZeroBitCount
        guard width > 0 else { return 0 }
        while true {
            let candidate = Int(try bits(width))
            if candidate < limit { return candidate }
        }
    }

    /// Puts elements into a random order (Fisher and Yates).
    public func shuffle(_ elements: inout [Int]) throws(DiffusionError) {
        guard elements.count > 1 else { return }
        for last in (1..<elements.count).reversed() {
            elements.swapAt(last, try number(below: last + 1))
        }
    }

    // MARK: Binomial numbers

    /// The number of successes of independent trials, about 8.5 bits each.
    ///
    /// A random number of few digits is looked up in the cumulated distribution; where its digits do not decide, more
    /// are drawn.
    ///
    /// - Parameters:
    ///   - trials: 0 or more.
    ///   - probability: from 0 to 1; others are taken as the nearest of these.
    public func binomial(trials: Int, probability: Double) throws(DiffusionError) -> Int {
        guard trials > 0, probability > 0 else { return 0 }
        guard probability < 1 else { return trials }
        // The distribution of more trials underflows at its ends.
        guard trials <= Self.largestTable else {
            let half = trials / 2
            return try binomial(trials: half, probability: probability)
                + binomial(trials: trials - half, probability: probability)
        }
        guard probability <= 0.5 else {
            return try trials - binomial(trials: trials, probability: 1 - probability)
        }
        return try smallBinomial(trials, probability)
    }

    private static let largestTable = 512

    /// - Parameter probability: from 0 to ½, so that the probability of no success does not underflow.
    private func smallBinomial(_ trials: Int, _ probability: Double) throws(DiffusionError) -> Int {
        let odds = probability / (1 - probability)
        var low = 0.0
        var width = 1.0
        try extend(&low, &width)
        var successes = 0
        var mass = power(1 - probability, trials)
        var cumulated = mass
        while successes < trials {
            // The number is between low and low + width.
            if low + width <= cumulated { return successes }
            if low < cumulated, width > 0x1p-50 {
                try extend(&low, &width)
                continue
            }
            if low < cumulated { return successes }
            mass *= odds * Double(trials - successes) / Double(successes + 1)
            successes += 1
            cumulated += mass
        }
        return trials
    }

    /// Draws eight more binary digits of a number.
    private func extend(_ low: inout Double, _ width: inout Double) throws(DiffusionError) {
        width *= 0x1p-8
        low += Double(try bits(8)) * width
    }

    /// A power by repeated squaring: faster than that for any exponent.
    private func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, square, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}
