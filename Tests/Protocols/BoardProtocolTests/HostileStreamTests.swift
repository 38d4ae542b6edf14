// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Streams of a broken or hostile board: noise, false lengths, mishaps of a cable; memory stays bounded"
)
struct HostileStreamTests {
    private static let largestFrame = FrameHeader.byteCount + 96

    @Test("random bytes give no frame", arguments: [1 as UInt64, 2, 3])
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed)
        let reading = Reading(random.bytes(300_000), pieces: [1000, 1, 77])
        #expect(reading.frames == [])
        #expect(reading.leastFreeSpace >= Self.largestFrame)
    }

    @Test("random bytes behind valid beginnings of headers give no frame")
    func headersInNoise() {
        var random = SeededGenerator(4)
        let whole = frameBytes(frameHeader(3))
        let stream = (0..<5000).flatMap { _ in
            let length = Int.random(in: 4...40, using: &random)
            return Array(whole[..<length]) + random.bytes(Int.random(in: 0...60, using: &random))
        }
        let reading = Reading(stream, pieces: [200, 3, 31])
        #expect(reading.frames == [])
        #expect(reading.rejections.contains(.checksum), "some got as far as the checksum")
        #expect(reading.leastFreeSpace >= Self.largestFrame)
    }

    @Test("magics with nothing behind them leave room for a frame, however they come")
    func magicsOnly() {
        let stream = Array(Array(repeating: FrameHeader.magic, count: 2000).joined())
        for size in [1, 3, 40, 1000] {
            let reading = Reading(stream, pieces: [size])
            #expect(reading.frames == [])
            #expect(reading.leastFreeSpace >= Self.largestFrame)
        }
    }

    @Test("headers that promise the largest frame, one inside the other, leave room for a frame")
    func promises() {
        let header = frameBytes(frameHeader(1, shots: 6)).prefix(FrameHeader.byteCount)
        let stream = Array(Array(repeating: Array(header), count: 300).joined())
        for size in [1, 39, 40, 41, 136, 1000] {
            let reading = Reading(stream, pieces: [size])
            #expect(reading.frames == [])
            #expect(reading.leastFreeSpace >= Self.largestFrame)
        }
    }

    private enum Damage: CaseIterable {
        case none, flipped, cut, doubled, swapped, noise
    }

    /// A stream of `frames` after the mishaps of a bad cable.
    private static func damaged(
        _ frames: [[UInt8]], random: inout SeededGenerator
    ) -> [UInt8] {
        var sent = frames
        for index in sent.indices {
            let place = Int.random(in: 0..<sent[index].count, using: &random)
            switch Damage.allCases.randomElement(using: &random) ?? .none {
            case .none: break
            case .flipped: sent[index][place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case .cut: sent[index].removeSubrange(place...)
            case .doubled: sent[index] += frames[index]
            case .swapped: sent.swapAt(index, Int.random(in: sent.indices, using: &random))
            case .noise: sent[index].insert(contentsOf: random.bytes(place), at: place)
            }
        }
        return sent.flatMap { $0 }
    }

    @Test("of any damaged stream only frames that were sent come out, each once and in order")
    func damage() {
        var random = SeededGenerator(5)
        let frames = (0..<40).map { frameBytes(frameHeader($0), seed: UInt8($0)) }
        var passed = 0
        for _ in 0..<200 {
            let stream = Self.damaged(frames, random: &random)
            let reading = Reading(stream, pieces: [Int.random(in: 1...300, using: &random)])
            let numbers = reading.frames.map { Int($0.header.sequence) }
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
            #expect(reading.asSent == numbers.map { frames[$0] })
            // Between the first and the last one, every shot is either there or counted as missing.
            let missing = reading.frames.dropFirst().reduce(0) { $0 + $1.shotsDroppedBefore }
            let span = (numbers.last ?? 0) - (numbers.first ?? 0) + 1
            #expect(UInt64(3 * (span - numbers.count)) == missing)
            passed += numbers.count
        }
        #expect(passed > 200)
    }
}
