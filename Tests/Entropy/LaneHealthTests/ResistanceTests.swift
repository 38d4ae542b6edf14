// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import TestSupport
import Testing

@Suite(
    "Test of resistances: none, odd ones, an array of which half has collapsed")
struct ResistanceTests {
    /// Devices of an array: 5 kΩ, within a tenth.
    private static func array(_ lanes: Int) -> [Float] {
        (0..<lanes).map { 5000 * (1 + 0.1 * Float($0 * 37 % 64 - 32) / 32) }
    }

    private static func lanes(_ mask: [UInt64]) -> [Int] {
        (0..<mask.count * 64).filter { mask.hasLane($0) }
    }

    @Test("devices that differ by a tenth are all right", arguments: [64, 128, 4096])
    func ordinary(lanes: Int) {
        let test = ResistanceTest(ohms: Self.array(lanes))
        #expect(test == ResistanceTest(words: lanes / 64))
        #expect(test.warning.count == lanes / 64)
    }

    struct Odd: Sendable {
        let ohms: Float
        let warns: Bool
        let fails: Bool
    }

    @Test(
        "what is no resistance fails, what is far from the median warns or fails",
        arguments: [
            Odd(ohms: .nan, warns: true, fails: true),
            Odd(ohms: .signalingNaN, warns: true, fails: true),
            Odd(ohms: .infinity, warns: true, fails: true),
            Odd(ohms: -.infinity, warns: true, fails: true),
            Odd(ohms: 0, warns: true, fails: true),
            Odd(ohms: -0.0, warns: true, fails: true),
            Odd(ohms: -5000, warns: true, fails: true),
            Odd(ohms: .leastNonzeroMagnitude, warns: true, fails: true),
            Odd(ohms: .greatestFiniteMagnitude, warns: true, fails: true),
            Odd(ohms: 2499, warns: true, fails: true),
            Odd(ohms: 2501, warns: true, fails: false),
            Odd(ohms: 3249, warns: true, fails: false),
            Odd(ohms: 3251, warns: false, fails: false),
            Odd(ohms: 7499, warns: false, fails: false),
            Odd(ohms: 7501, warns: true, fails: false),
            Odd(ohms: 9999, warns: true, fails: false),
            Odd(ohms: 10_001, warns: true, fails: true),
        ], [0, 63, 64, 127])
    func single(odd: Odd, lane: Int) {
        var ohms = [Float](repeating: 5000, count: 128)
        ohms[lane] = odd.ohms
        let test = ResistanceTest(ohms: ohms)
        #expect(Self.lanes(test.warning) == (odd.warns ? [lane] : []))
        #expect(Self.lanes(test.failure) == (odd.fails ? [lane] : []))
    }

    @Test(
        "of an array of which up to half has collapsed, just that half fails",
        arguments: [1, 31, 64])
    func collapse(lanes: Int) {
        var ohms = Self.array(128)
        let collapsed = (0..<lanes).map { $0 * 2 }
        for lane in collapsed { ohms[lane] /= 5 }
        let test = ResistanceTest(ohms: ohms)
        #expect(Self.lanes(test.failure) == collapsed)
        #expect(test.warning == test.failure)
    }

    @Test(
        "where most measurements are no resistances, every lane fails",
        arguments: [0, -1, .nan, .infinity] as [Float])
    func nothing(ohms: Float) {
        var array = Self.array(64)
        for lane in 0..<40 { array[lane] = ohms }
        #expect(ResistanceTest(ohms: array).failure == [.max])
        #expect(ResistanceTest(ohms: array).warning == [.max])
    }

    @Test("whatever is measured, a failure is a warning as well")
    func order() {
        var random = SeededGenerator(5)
        for _ in 0..<200 {
            let ohms = (0..<64).map { _ in
                Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            }
            let test = ResistanceTest(ohms: ohms)
            #expect(test.failure[0] & ~test.warning[0] == 0)
        }
    }
}
