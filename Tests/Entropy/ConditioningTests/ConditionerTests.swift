// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import Conditioning
import SystemCrypto
import TestMaterials
import TestSupport
import Testing

@Suite("The list of conditioners")
struct ConditionersTests {
    @Test("each has a name of its own, credits its blocks with enough entropy, and fits the limits")
    func fits() {
        let names = Conditioners.all.map { $0.name }
        #expect(Set(names).count == names.count)
        for type in Conditioners.all {
            for claim in [0.1, 0.3, 0.5, 0.8, 0.9, 1] {
                let conditioner = type.init(claimedEntropyPerBit: claim)
                #expect(conditioner.outputBytes.nonzeroBitCount == 1)
                #expect(conditioner.inputBytes <= BlockFunctions.inputLimit)
                let credit = Double(conditioner.inputBytes * 8) * claim
                #expect(credit >= Double(conditioner.outputBytes * 8 + 64))
            }
        }
    }

    @Test("the one that makes full bits is SHA-256")
    func standard() {
        let conditioner = Conditioners.standard(claimedEntropyPerBit: 0.8)
        #expect(conditioner is SHA256Conditioner)
        #expect(conditioner.inputBytes == 50 && conditioner.outputBytes == 32)
    }

    @Test("raw bits come out as they went in, byte by byte")
    func unconditioned() {
        let function = Unconditioned()
        let input: [UInt8] = [3, 1, 4, 1, 5]
        var output = [UInt8](repeating: 0, count: 5)
        output.withUnsafeMutableBytes { function.apply(to: input, into: $0) }
        #expect(output == input)
        #expect(function.blocks(from: 5) == 5)
    }
}

@Suite(
    "The conditioner: blocks against libcrypto")
struct ConditionerTests {
    @Test(
        "each block is SHA-256 of its own slice of the input, on every path",
        arguments: [1.0, 0.8, 0.5, 0.3, 0.1], [0, 1, 2, 3, 10])
    func blocks(claim: Double, count: Int) {
        var random = SeededGenerator(61)
        for path in KernelPath.sha256 {
            let conditioner = SHA256Conditioner(
                claimedEntropyPerBit: claim, features: path.features)
            let size = conditioner.inputBytes
            let input = random.bytes(count * size + size - 1)
            #expect(conditioner.blocks(from: input.count) == count)
            var output = [UInt8](repeating: 0, count: 32 * count)
            output.withUnsafeMutableBytes { conditioner.apply(to: input, into: $0) }
            let expected = (0..<count).flatMap { block in
                LibrarySHA256.digest(of: input[block * size..<(block + 1) * size])
            }
            #expect(output == expected, "\(path)")
        }
    }

    @Test("at a claim of 0.8 a block is made of 50 bytes")
    func blockSize() {
        #expect(SHA256Conditioner(claimedEntropyPerBit: 0.8).inputBytes == 50)
        #expect(SHA256Conditioner.blockBytes == 32)
    }
}

@Suite(
    "Self-test of the conditioner: passes, and fails for each fault")
struct ConditionerSelfTestTests {
    private static func hash(_ messages: [UInt8], _ count: Int) -> [UInt8] {
        let length = messages.count / count
        return (0..<count).flatMap { index in
            LibrarySHA256.digest(of: messages[index * length..<(index + 1) * length])
        }
    }

    private static func failure(of hash: ConditionerSelfTest.BatchHash) -> String? {
        do {
            try ConditionerSelfTest.checkSHA256(hash)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("it passes with the hash in use here, and with libcrypto's")
    func passes() throws {
        try ConditionerSelfTest.run()
        try ConditionerSelfTest.checkSHA256(Self.hash)
    }

    @Test("it fails for a digest with any one bit flipped", arguments: [0, 7, 100, 255])
    func flippedBit(bit: Int) {
        let failure = Self.failure { messages, count in
            var digests = Self.hash(messages, count)
            digests[bit / 8] ^= 1 << (bit % 8)
            return digests
        }
        #expect(failure == "\"abc\"")
    }

    @Test("it fails for a constant, and for nothing at all")
    func constant() {
        #expect(Self.failure { _, count in Array(repeating: 7, count: 32 * count) } != nil)
        #expect(Self.failure { _, _ in [] } != nil)
    }

    @Test("it fails for a hash that is right for single messages only")
    func singleOnly() {
        let failure = Self.failure { messages, count in
            let first = Self.hash(Array(messages[..<(messages.count / count)]), 1)
            return (0..<count).flatMap { _ in first }
        }
        #expect(failure == "a test message of 1 bytes")
    }

    @Test("it fails for a hash that is wrong for one place in a batch", arguments: 0..<3)
    func onePlace(place: Int) {
        let failure = Self.failure { messages, count in
            var digests = Self.hash(messages, count)
            if place < count && count > 1 { digests[32 * place] ^= 1 }
            return digests
        }
        #expect(failure == "a test message of 1 bytes")
    }

    @Test("it fails for a hash that is wrong for one length", arguments: [1, 50, 55, 56, 64, 400])
    func oneLength(length: Int) {
        let failure = Self.failure { messages, count in
            var digests = Self.hash(messages, count)
            if messages.count == length * count { digests[0] ^= 1 }
            return digests
        }
        // 56 bytes is the length of a published example, too.
        let examples = [56: "\"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq\""]
        #expect(failure == examples[length] ?? "a test message of \(length) bytes")
    }

    @Test("the failure says what is wrong and that nothing is served")
    func message() {
        let failure = #expect(throws: ConditionerSelfTest.Failure.self) {
            try ConditionerSelfTest.checkSHA256 { _, count in Array(repeating: 7, count: 32 * count)
            }
        }
        let description = failure?.description ?? ""
        #expect(description.contains("wrong SHA-256 of \"abc\""))
        #expect(description.contains("nothing is served"))
    }
}
