// SPDX-License-Identifier: Apache-2.0

import Conditioning
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Entropy of a conditioned block: the output-entropy formula of SP 800-90B against 200 digits")
struct OutputEntropyTests {
    struct Example: Sendable {
        let h: Double
        let nIn: Int
        let nOut: Int
        let nw: Int
        let output: Double
        let deficit: Double

        init(_ h: Double, _ nIn: Int, _ nOut: Int, _ nw: Int, _ output: Double, _ deficit: Double) {
            (self.h, self.nIn, self.nOut, self.nw) = (h, nIn, nOut, nw)
            (self.output, self.deficit) = (output, deficit)
        }
    }

    /// The formula of SP 800-90B 3.1.5.1.2 as it stands there, worked out with 200 digits (mpmath).
    private static let examples = [
        // SHA-256, with as much entropy in as bits come out: one bit short.
        Example(256, 400, 256, 256, 255, 0.003_906_25),
        // With 64 more, at a claim of 0.8.
        Example(320, 400, 256, 256, 256, 3.055_025_581_18e-22),
        Example(320, 3200, 256, 256, 256, 3.055_025_581_18e-22),
        // Where ω decides: inputs hardly longer than their entropy.
        Example(320, 320, 256, 256, 255.999_999_993_672_06, 2.471_851_762_46e-11),
        Example(320, 356, 256, 256, 255.999_999_999_999_98, 9.429_366_179_96e-17),
        Example(257, 257, 256, 256, 252.159_952_384_753_19, 0.015_000_185_997_1),
        Example(319.2, 456, 256, 256, 256, 5.319_108_481_17e-22),
        Example(300, 400, 256, 256, 255.999_999_999_999_92, 3.203_426_503_81e-16),
        // With little in, as much comes out.
        Example(128, 400, 256, 256, 128, 0.5),
        Example(1, 400, 256, 256, 1, 0.996_093_75),
        Example(0.1, 257, 256, 256, 0.1, 0.999_609_375),
        Example(1e-3, 400, 256, 256, 1e-3, 0.999_996_093_75),
        Example(0, 400, 256, 256, 0, 1),
        // Other widths: SHA-512, a small one, one that is narrow inside, two that exceed a Double.
        Example(600, 700, 512, 512, 512, 9.104_685_727_31e-30),
        Example(40, 64, 32, 32, 31.994_375_450_807_429, 0.000_175_767_162_268),
        Example(320, 400, 256, 160, 160, 0.375),
        Example(2000, 4000, 1600, 1600, 1600, 3.491_855_719_34e-124),
        Example(10, 2000, 1600, 1600, 10, 0.993_75),
    ]

    @Test("the formula gives what it gives with 200 digits", arguments: examples)
    func formula(example: Example) {
        let output = EntropyAccounting.outputEntropy(
            inputEntropy: example.h, inputBits: example.nIn, outputBits: example.nOut,
            narrowestWidth: example.nw)
        #expect(abs(output - example.output) < 1e-12)
        let deficit = EntropyAccounting.entropyDeficit(
            inputEntropy: example.h, inputBits: example.nIn, outputBits: example.nOut,
            narrowestWidth: example.nw)
        #expect(abs(deficit / example.deficit - 1) < 1e-10)
    }

    @Test("more entropy in never means less out", arguments: [257, 320, 400, 3200])
    func monotone(inputBits: Int) {
        var last = (output: -1.0, deficit: 2.0)
        for step in 0...(4 * inputBits) {
            let h = Double(step) / 4
            let output = EntropyAccounting.outputEntropy(
                inputEntropy: h, inputBits: inputBits, outputBits: 256, narrowestWidth: 256)
            let deficit = EntropyAccounting.entropyDeficit(
                inputEntropy: h, inputBits: inputBits, outputBits: 256, narrowestWidth: 256)
            #expect(output >= last.output && deficit <= last.deficit, "h_in \(h)")
            #expect(output <= h + 1e-12 && output <= 256)
            last = (output, deficit)
        }
    }

    @Test("extreme inputs give numbers within the possible range")
    func extremes() {
        let entropies = [0, 1e-300, 1e-9, 0.5, 255.9, 1e4, 1e300, .infinity]
        for h in entropies {
            for width in [1, 8, 64, 256, 512, 1024, 5000, 1 << 20] {
                for inputBits in [width + 1, width + 64, 10 * width, 1 << 40, .max] {
                    let output = EntropyAccounting.outputEntropy(
                        inputEntropy: h, inputBits: inputBits, outputBits: width,
                        narrowestWidth: width)
                    let deficit = EntropyAccounting.entropyDeficit(
                        inputEntropy: h, inputBits: inputBits, outputBits: width,
                        narrowestWidth: width)
                    #expect((0...Double(width)).contains(output), "\(h) \(width) \(inputBits)")
                    #expect((0...1).contains(deficit), "\(h) \(width) \(inputBits)")
                }
            }
        }
    }
}

@Suite(
    "Input of a block: its length for every claim")
struct InputBytesTests {
    struct Example: Sendable {
        let claim: Double
        let bytes: Int
    }

    @Test(
        "the lengths of well-known claims",
        arguments: [
            Example(claim: 1, bytes: 40), Example(claim: 0.8, bytes: 50),
            Example(claim: 0.5, bytes: 80), Example(claim: 0.3, bytes: 134),
            Example(claim: 0.1, bytes: 400), Example(claim: 0.64, bytes: 63),
        ])
    func examples(example: Example) {
        let bytes = EntropyAccounting.inputBytes(claimedEntropyPerBit: example.claim)
        #expect(bytes == example.bytes)
    }

    @Test("at any claim a block is credited with 320 bits at least, and not so with a byte less")
    func leastLength() {
        var random = SeededGenerator(60)
        let regular = (1...1000).map { Double($0) / 1000 }
        let drawn = (0..<1000).map { _ in Double.random(in: 0.01...1, using: &random) }
        // A little below the claims at which a whole number of bytes is just enough.
        let justBelow = (40...400).map { 320 / (Double($0 * 8) + 4e-10) }
        let nextBelow = (40...400).map { (320 / Double($0 * 8)).nextDown }
        for claim in regular + drawn + justBelow + nextBelow {
            let bytes = EntropyAccounting.inputBytes(claimedEntropyPerBit: claim)
            #expect(Double(8 * bytes) * claim >= 320, "\(claim)")
            #expect(Double(8 * (bytes - 1)) * claim < 320, "\(claim)")
        }
    }

    @Test("the input of a block makes full entropy as SP 800-90C has it: ε ≤ 2^−32")
    func fullEntropy() {
        for percent in 10...100 {
            let claim = Double(percent) / 100
            let bytes = EntropyAccounting.inputBytes(claimedEntropyPerBit: claim)
            let deficit = EntropyAccounting.entropyDeficit(
                inputEntropy: min(Double(8 * bytes) * claim, Double(8 * bytes)),
                inputBits: 8 * bytes, outputBits: 256, narrowestWidth: 256)
            #expect(deficit <= 1 / 4_294_967_296)
        }
    }
}
