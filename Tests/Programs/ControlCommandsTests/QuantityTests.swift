// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import Testing

@Suite(
    "Quantities for people: numbers, sizes, durations, moments, text of others")
struct QuantityTests {
    @Test(
        "A number has as many places as asked for",
        arguments: [
            (0, 2, "0.00"), (0.005, 2, "0.01"), (1.994, 2, "1.99"), (-1.5, 1, "-1.5"),
            (-0.001, 2, "0.00"), (12.5, 0, "13"), (0.07, 2, "0.07"), (1_234.5, 1, "1234.5"),
            (1e300, 2, "1e+300"),
        ] as [(Double, Int, String)])
    func decimals(value: Double, places: Int, text: String) {
        #expect(decimal(value, places: places) == text)
    }

    @Test(
        "Thousands are set apart",
        arguments: [
            (0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"),
            (.min, "-9,223,372,036,854,775,808"),
        ])
    func groups(value: Int, text: String) {
        #expect(grouped(value) == text)
    }

    @Test(
        "A quantity has three digits and an SI prefix",
        arguments: [
            (0, "0 B"), (1, "1 B"), (12, "12 B"), (1.5, "1.50 B"), (999, "999 B"),
            (999.4, "999 B"), (999.6, "1.00 kB"), (1_000, "1.00 kB"), (48_200_000, "48.2 MB"),
            (9.996e6, "10.0 MB"), (123_456_789_012, "123 GB"), (0.0012, "1.20 mB"),
            (0.9999, "1.00 B"), (3e-7, "300 nB"), (1e-12, "0.00 nB"), (-2_500, "-2.50 kB"),
            (1.5e21, "1500 EB"),
        ] as [(Double, String)])
    func quantities(value: Double, text: String) {
        #expect(quantity(value, "B") == text)
    }

    @Test(
        "A size of memory has a binary prefix",
        arguments: [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"),
            (4_194_304, "4 MiB"), (1_099_511_627_776, "1024 GiB"),
        ])
    func sizes(bytes: Int, text: String) {
        #expect(memorySize(bytes) == text)
    }

    @Test(
        "A duration has two units",
        arguments: [
            (-5, "0 s"), (0.9, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3_599, "59 min 59 s"),
            (7_205, "2 h 0 min"), (90_000, "1 d 1 h"), (1e300, "106751991167300 d 15 h"),
        ] as [(Double, String)])
    func durations(seconds: Double, text: String) {
        #expect(duration(seconds) == text)
    }

    @Test(
        "A moment is a date and a time",
        arguments: [
            (0, "1970-01-01 00:00:00 UTC"), (1_772_366_400.9, "2026-03-01 12:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"), (-1, "1970-01-01 00:00:00 UTC"),
            (1e300, "9999-12-31 23:59:59 UTC"),
        ] as [(Double, String)])
    func moments(seconds: Double, text: String) {
        #expect(moment(seconds) == text)
    }

    @Test("Text of others cannot control the terminal")
    func printables() {
        #expect(printable("µ-board 7 é") == "µ-board 7 é")
        #expect(
            printable("a\u{1B}[2Jb\nc\u{9B}d\u{202E}e\u{7F}\r\n")
                == "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}\u{FFFD}\u{FFFD}")
    }
}
