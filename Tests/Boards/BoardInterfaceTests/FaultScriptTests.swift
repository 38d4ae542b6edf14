// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import TestSupport
import Testing

@Suite(
    "Faults and their scripts as text: lists of lanes both ways; limits of operating points")
struct FaultScriptTests {
    @Test("a script is read, and written as it is read")
    func bothWays() throws {
        let text = """
            # Two lanes, then the temperature.

            at 2000000 stuckAt0 lanes 3,7-9 for 100000
            at 0 temperature=340 for 5000000 # warm
            at 18446744073709551615 vanish
            """
        let script = try FaultScript(parsing: text)
        #expect(
            script.orders == [
                FaultOrder(
                    .stuckAt0, lanes: [3, 7, 8, 9], afterShots: 2_000_000, forShots: 100_000),
                FaultOrder(.temperature(kelvin: 340), forShots: 5_000_000),
                FaultOrder(.vanish, afterShots: .max),
            ])
        #expect(try FaultScript(parsing: script.text) == script)
    }

    @Test("every fault is read from its name", arguments: Fault.names.dropLast())
    func names(name: String) throws {
        #expect(try #require(Fault(name)).text == name)
        #expect(Fault(name + " ") == nil && Fault(name.uppercased()) == nil)
    }

    @Test(
        "what is no script is refused with its line",
        arguments: [
            ("stall", 1, "expected \"at SHOT FAULT\""),
            ("\n\nat x stall", 3, "expected a shot number after \"at\""),
            ("at -1 stall", 1, "expected a shot number after \"at\""),
            ("at 18446744073709551616 stall", 1, "expected a shot number after \"at\""),
            ("at 1", 1, "expected a fault after the shot"),
            ("at 1 stuckAt0 lanes 9-3", 1, "expected lanes such as 3,7-9 after \"lanes\""),
            ("at 1 stuckAt0 lanes", 1, "expected lanes such as 3,7-9 after \"lanes\""),
            ("at 1 stall for 0", 1, "expected a number of shots after \"for\""),
            ("at 1 stall until 3", 1, "expected \"lanes\" or \"for\", found until"),
        ])
    func defects(text: String, line: Int, reason: String) {
        let defect = #expect(throws: FaultScript.Defect.self) { try FaultScript(parsing: text) }
        #expect(defect?.line == line && defect?.reason == reason)
    }

    @Test(
        "temperatures outside the limits, and what is no number, are no faults",
        arguments: ["199.9", "500.1", "nan", "inf", "", "1=2", "-300"])
    func temperatures(text: String) { #expect(Fault("temperature=\(text)") == nil) }

    @Test("lanes are written and read both ways")
    func lanes() {
        #expect(LaneList.parse("7,3-5,4") == [3, 4, 5, 7])
        #expect(LaneList.text([7, 3, 4, 5]) == "3-5,7")
        for text in ["", ",", "1,", "-1", "1-", "1-2-3", "4096", "0-9999999999999999999", "a"] {
            #expect(LaneList.parse(text) == nil, "\(text)")
        }
    }

    @Test("no text of words of the grammar crashes the reader")
    func hostile() {
        var random = SeededGenerator(6)
        let words = ["at", "1", "stall", "lanes", "for", "-", ",", "#", "\n", "\u{0}", "é", "3-"]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                words[.random(in: 0..<words.count, using: &random)]
            }.joined(separator: " ")
            guard let script = try? FaultScript(parsing: text) else { continue }
            #expect((try? FaultScript(parsing: script.text)) == script)
        }
    }

    @Test("an order needs lanes that there are, exactly when its fault is of lanes")
    func orderDefects() {
        #expect(FaultOrder(.stuckAt0).defect(lanes: 64) != nil)
        #expect(FaultOrder(.stuckAt0, lanes: [63]).defect(lanes: 64) == nil)
        #expect(FaultOrder(.stuckAt0, lanes: [64]).defect(lanes: 64) != nil)
        #expect(FaultOrder(.stall, lanes: [1]).defect(lanes: 64) != nil)
        #expect(FaultOrder(.stall).defect(lanes: 64) == nil)
    }

    @Test("a point outside the limits is told by its quantity, also when it is no number")
    func violations() {
        let tuning = Tuning(
            amplitudeMillivolts: 0...3000, pulseWidthPicoseconds: 0...9000,
            biasFieldMicrotesla: 1...40_000, trim: -5...5, trimLatencyShots: 1)
        func quantity(_ v: Double, _ t: Double, _ b: Double) -> String? {
            tuning.violation(
                of: OperatingPoint(
                    amplitudeMillivolts: v, pulseWidthPicoseconds: t, biasFieldMicrotesla: b)
            )?.quantity
        }
        #expect(quantity(3000, 0, 1) == nil)
        #expect(quantity(3001, -1, 1) == "amplitudeMillivolts")
        #expect(quantity(.nan, 0, 1) == "amplitudeMillivolts")
        #expect(quantity(0, -1, 1) == "pulseWidthPicoseconds")
        #expect(quantity(0, 0, .infinity) == "biasFieldMicrotesla")
    }
}
