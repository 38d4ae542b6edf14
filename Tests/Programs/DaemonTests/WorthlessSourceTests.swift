// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import TestSupport
import Testing

/// Bits that a source sends, of 64 lanes, of which every lane by itself may look well.
enum WorthlessSource: String, CaseIterable, Sendable {
    /// A word and its complement, for ever.
    case complement
    /// Each word twice.
    case twice
    /// Lanes that change with probability 0.9.
    case change90
    /// Odd lanes are the complements of even ones.
    case pairs
    /// 8-bit samples of a normal distribution, as NIST's normal.bin has: half a bit of min-entropy a bit.
    case normal
    /// A block of 8 KiB again and again.
    case block
    /// A block of 64 KiB again and again.
    case mediumBlock
    /// A block of a mebibyte again and again.
    case longBlock

    /// How many shots a block has; nil where there is none.
    private var blockShots: Int? {
        switch self {
        case .block: 1_024
        case .mediumBlock: 8_192
        case .longBlock: 131_072
        case .complement, .twice, .change90, .pairs, .normal: nil
        }
    }

    /// Whether some of it passes for random bits before it comes again: all that can be told is that it does.
    var beginsWell: Bool { self == .mediumBlock || self == .longBlock }

    /// Three mebibytes of the longest block, a mebibyte of the others.
    func bytes() -> Data {
        var random = SeededGenerator(9)
        let shots = self == .longBlock ? 393_216 : 131_072
        let block = random.words(blockShots ?? 1)
        var words: [UInt64] = []
        words.reserveCapacity(shots)
        for shot in 0..<shots {
            let word: UInt64 =
                switch self {
                case .complement: words.last.map(~) ?? random.next()
                case .twice: shot % 2 == 1 ? words[shot - 1] : random.next()
                case .change90: (words.last ?? 0) ^ ~rare(&random)
                case .pairs: pair(random.next())
                case .normal: (0..<8).reduce(0) { word, _ in word << 8 | normal(&random) }
                case .block, .mediumBlock, .longBlock: block[shot % block.count]
                }
            words.append(word.littleEndian)
        }
        return words.withUnsafeBytes { Data($0) }
    }

    private func pair(_ word: UInt64) -> UInt64 {
        let even = word & 0x5555_5555_5555_5555
        return even | ~even << 1 & 0xaaaa_aaaa_aaaa_aaaa
    }

    /// Bits that are one with probability 1/8, near enough a tenth.
    private func rare(_ random: inout SeededGenerator) -> UInt64 {
        random.next() & random.next() & random.next()
    }

    /// A sample with mean 127.5 and deviation 6.9: the sum of twelve uniform ones.
    private func normal(_ random: inout SeededGenerator) -> UInt64 {
        let sum = (0..<12).reduce(0.0) { total, _ in total + Double(random.next() >> 11) / 0x1p53 }
        return UInt64(127.5 + 6.9 * (sum - 6))
    }

    /// The name of the test that has to find it.
    var test: String {
        switch self {
        case .complement, .twice, .change90, .pairs, .normal: "prediction"
        case .block, .mediumBlock, .longBlock: "repeatedBlock"
        }
    }
}

@Suite("Worthless sources, made up and NIST's: nothing of them is served, and the status names the cause", .serialized)
struct WorthlessSourceTests {
    @Test("not a bit of a worthless source", arguments: WorthlessSource.allCases)
    func worthless(source: WorthlessSource) throws {
        let directory = SocketDirectory()
        // For ever: a source that has ended is waited for, however soon the state is looked at.
        let feeder = try Feeder(source.bytes(), forEver: true, in: directory)
        let daemon = try DaemonProcess(
            "boards: [{name: h, kind: host, lanes: 64, path: \(feeder.fifo)}]\n", directory: directory)
        #expect(try eventually { try daemon.boardStatus("state") as? String == "unhealthy" })
        let shots = try #require(try daemon.boardStatus("shots") as? Int)
        let credited = try #require(try daemon.boardStatus("creditedBits") as? Int)
        // Some twenty windows more.
        #expect(try eventually { try daemon.boardStatus("shots") as? Int ?? 0 > shots + 20_000 })
        #expect(try daemon.boardStatus("state") as? String == "unhealthy")
        #expect(try daemon.boardStatus("cause") is String)
        #expect(try daemon.boardStatus("creditedBits") as? Int == credited)
        #expect(credited == 0 || source.beginsWell)
        let health = try mectl("health", "--json", directory: directory)
        let object = try JSONSerialization.jsonObject(with: health.output) as? [String: Any]
        let alarms = try #require(object?["alarms"] as? [[String: Any]])
        #expect(alarms.contains { $0["test"] as? String == source.test })
        #expect(daemon.stop() == 0)
    }

    /// A hundred windows of random lanes, but for lane 5, which has so many ones in each.
    private static func poorLane(ones: Int) -> Data {
        var random = SeededGenerator(12)
        let words = (0..<100).flatMap { _ in
            let order = Array(0..<1_024).shuffled(using: &random)
            return order.map { (random.next() & ~(1 << 5) | ($0 < ones ? 1 << 5 : 0)).littleEndian }
        }
        return words.withUnsafeBytes { Data($0) }
    }

    /// No window finds 600 or 645 ones of 1,024: over 65,536 shots the first is a warning at a claim of 0.8, the second a
    /// failure.
    @Test(
        "a lane that is a little worse than claimed gives no more bits after a period, and is named",
        arguments: [(600, "warning"), (645, "failure")])
    func poorLane(ones: Int, severity: String) throws {
        let directory = SocketDirectory()
        let feeder = try Feeder(Self.poorLane(ones: ones), in: directory)
        let daemon = try DaemonProcess(
            "boards: [{name: h, kind: host, lanes: 64, path: \(feeder.fifo)}]\n", directory: directory)
        func health() throws -> [String: Any] {
            let output = try mectl("health", "--json", directory: directory).output
            return try JSONSerialization.jsonObject(with: output) as? [String: Any] ?? [:]
        }
        #expect(try eventually { try health()["windows"] as? Int ?? 0 >= 80 })
        let found = try health()
        let lane = try #require((found["lanes"] as? [[String: Any]])?[5])
        #expect(lane["state"] as? String == "starting" || lane["state"] as? String == "failed")
        #expect(lane["bestPredictor"] as? String == "constant")
        let measured = try #require(lane["measuredEntropyPerBit"] as? Double)
        #expect(abs(exp2(-measured) - Double(ones) / 1_024) < 0.001)
        let alarms = try #require(found["alarms"] as? [[String: Any]])
        let alarm = try #require(alarms.first { $0["lane"] as? Int == 5 })
        #expect(alarm["test"] as? String == "longPrediction" && alarm["severity"] as? String == severity)
        #expect(try daemon.boardStatus("lowestLaneEntropyPerBit") as? Double ?? 0 > 0.95)
        #expect(daemon.stop() == 0)
    }

    @Test("not a bit of an array whose devices remember their last state much too well")
    func memory() throws {
        let daemon = try DaemonProcess(
            "boards: [{name: array0, lanes: 64, seed: 3, array: {memory: {amplitude: 0.4}}}]")
        #expect(try eventually { try daemon.boardStatus("state") as? String == "unhealthy" })
        let shots = try #require(try daemon.boardStatus("shots") as? Int)
        #expect(try eventually { try daemon.boardStatus("shots") as? Int ?? 0 > shots + 200_000 })
        #expect(try daemon.boardStatus("creditedBits") as? Int == 0)
        #expect(daemon.stop() == 0)
    }

    /// Waits until as many windows were judged as most of a file has, and returns the credited bits and the alarms.
    private static func outcome(ofFile name: String) throws -> (credited: Int, alarms: [String]) {
        let directory = SocketDirectory()
        let bytes = Data(try fixture("nist/\(name)"))
        let feeder = try Feeder(bytes, in: directory)
        let daemon = try DaemonProcess(
            "boards: [{name: h, kind: host, lanes: 64, path: \(feeder.fifo)}]\n", directory: directory)
        let wanted = bytes.count / 8 - 2 * 1024
        #expect(try eventually { try daemon.boardStatus("shots") as? Int ?? 0 >= wanted })
        let health = try mectl("health", "--json", directory: directory)
        let object = try JSONSerialization.jsonObject(with: health.output) as? [String: Any]
        let alarms = try #require(object?["alarms"] as? [[String: Any]])
        let failures = alarms.filter { $0["severity"] as? String == "failure" }.compactMap { $0["test"] as? String }
        let credited = try #require(try daemon.boardStatus("creditedBits") as? Int)
        #expect(daemon.stop() == 0)
        return (credited, failures)
    }

    @Test("NIST's samples that meet the claim are served", arguments: ["truerand_8bit.bin", "truerand_1bit.packed"])
    func served(file: String) throws {
        let outcome = try Self.outcome(ofFile: file)
        #expect(outcome.credited > 0)
        #expect(outcome.alarms == [])
    }

    @Test(
        "of NIST's samples that do not, nothing is",
        arguments: [
            "truerand_4bit.bin", "ringOsc-nist.packed", "biased-random-bits.packed", "biased-random-bytes.bin",
        ])
    func notServed(file: String) throws {
        let outcome = try Self.outcome(ofFile: file)
        #expect(outcome.credited == 0)
        #expect(!outcome.alarms.isEmpty)
    }

    @Test("random bits are served in the same way of sending")
    func control() throws {
        let directory = SocketDirectory()
        var random = SeededGenerator(10)
        let feeder = try Feeder(random.words(131_072).withUnsafeBytes { Data($0) }, in: directory)
        let daemon = try DaemonProcess(
            "boards: [{name: h, kind: host, lanes: 64, path: \(feeder.fifo)}]\n", directory: directory)
        #expect(try daemon.connect().read(count: 32).count == 32)
        #expect(daemon.stop() == 0)
    }
}
