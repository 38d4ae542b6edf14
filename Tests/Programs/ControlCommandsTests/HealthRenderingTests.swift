// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import ControlTestSupport
import EntropyTerms
import TestSupport
import Testing
import Varlink

@Suite("The health of a board as people see it: map of the lanes, worst lanes, colours")
struct HealthRenderingTests {
    private static func lane(
        _ index: Int, _ state: LaneReport.State = .good, p: Double = 0.5
    ) -> LaneReport {
        LaneReport(
            lane: index, state: state, p: p, lagOne: 0, crossLane: 0,
            measuredEntropyPerBit: 0.99, bestPredictor: .constant, trim: 0, trimState: .held, resistanceOhms: nil,
            alarms: [])
    }

    @Test("The health of a board: a map, cut-offs, the worst lanes, the newest alarms")
    func health() throws {
        let expected = """
            SIMULATED — these bits come from a model and are not random

            board0: 126/128 lanes give bits: 125 good, 1 warned, 1 starting, 1 failed
            1,205,632 windows of 1,024 shots judged, health epoch 5
            cross-lane test: good, mean pairwise correlation 0.000120
            trims: holding (from -2,000 to 2,000 steps), untrimmable lanes: 1 (17)
            entropy per bit: 0.900 claimed, 0.953 or more measured in the lanes that give bits (least: lane 0), of the model
            less than claimed: lane 17 (0.612 by the shot before)
            lane statistics: over 1,048,576 shots

                0 ▁▁▁▁▁▁▁▂▂▂▂▂▂▂▂▂▂×▂▂▂▂▂▂▂▂▂▂▂▂▃▃▃▃▃▃▃▃▃▃!▃▃▃▃▃▃▃▃▃▃▃▃▄▄▄▄▄▄▄▄▄▄▄
               64 ▄▄▄▄▄▄▄▄▄▄▄▄▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▇▇▇▇▇·

                  p(1) of good lanes: 0.45 ▁▂▃▄▅▆▇ 0.55   ! warned   × failed   · starting

            Cut-offs for 0.900 bit per bit  warning  failure
            repetitionCount (RC)                 24       36
            adaptiveProportion (AP)             614      640
            crossLane (CL)                    1.220    2.500

            Worst lanes  state     p(1)    lag 1  entropy  trim  resistance           alarms
                     17  failed  0.4706  -0.0047    0.612  -470     4.02 kΩ  2 RC, 1 AP, 1 R
                     40  warned  0.4850  -0.0024    0.958  -240     4.04 kΩ             1 AP
                      0  good    0.4600  -0.0064    0.953  -640     4.00 kΩ             none
                      1  good    0.4606  -0.0063    0.953  -630     4.00 kΩ             none
                    126  good    0.5388   0.0062    0.969   620     4.13 kΩ             none
                      2  good    0.4613  -0.0062    0.953  -620     4.00 kΩ             none
                      3  good    0.4619  -0.0061    0.953  -610     4.00 kΩ             none
                    125  good    0.5381   0.0061    0.969   610     4.13 kΩ             none

            Newest alarms (a source with exactly the claimed entropy warns once in 2^20 samples)
              adaptiveProportion failure on lane 17 (0.612 bit per bit measured), 2026-03-01 11:58:45 UTC; 1 min 15 s ago

            """
        #expect(try RenderingTests.text(HealthReport(Samples.health)) == expected)
    }

    @Test("At 60 columns the rows of the map are shorter, the scale is whole, and alarms have lines of their own")
    func narrowHealth() throws {
        let report = HealthReport(Samples.health, map: .cross)
        let text = try report.rendered(as: .text(palette: .plain, now: Samples.now, columns: 60))
        let rows = text.split(separator: "\n").filter { $0.hasSuffix("▄") || $0.count == 38 }
        #expect(rows.map { $0.prefix(6) } == ["    0 ", "   32 ", "   64 ", "   96 "])
        #expect(rows.allSatisfy { $0.count == 38 })
        #expect(text.contains("majority:\n      -0.02 ▁▂▃▄▅▆▇ 0.02   ! warned   × failed   · starting\n"))
        #expect(
            text.contains(
                """
                Worst  state     p(1)    lag 1  entropy  trim  resistance
                   17  failed  0.4706  -0.0047    0.612  -470     4.02 kΩ
                  alarms of lane 17: 2 RC, 1 AP, 1 R
                   40  warned  0.4850  -0.0024    0.958  -240     4.04 kΩ
                  alarms of lane 40: 1 AP
                    0  good    0.4600  -0.0064    0.953  -640     4.00 kΩ

                """))
        // Folding breaks no row.
        #expect(folded(text, columns: 60).contains("\n\(rows[3])\n"))
    }

    @Test(
        "While a board gives nothing, no lane is said to give bits", arguments: [BoardState.failed, .ended, .waiting])
    func withheld(state: BoardState) throws {
        var health = Samples.health
        health.state = state
        let text = try RenderingTests.text(HealthReport(health))
        #expect(text.contains("board0: \(state.rawValue), none of 128 lanes gives bits now; earlier: 125 good"))
    }

    @Test("A replay of a model's bits says so, as the status does")
    func replayedModel() throws {
        var health = Samples.health
        health.provenance = .replay
        health.recordedFrom = "simulated"
        let text = try RenderingTests.text(HealthReport(health))
        #expect(
            text.hasPrefix("REPLAY — these bits come from a recording of a model and are neither random nor secret"))
        #expect(text.contains(", of the model"))
        health.recordedFrom = "hardware"
        #expect(try !RenderingTests.text(HealthReport(health)).contains("model"))
    }

    @Test("Before the first window the share of ones and the correlation of lanes are not shown")
    func healthWithoutWindows() throws {
        var health = Samples.health
        health.monitoredShots = 0
        health.crossLaneCorrelation = nil
        let text = try RenderingTests.text(HealthReport(health))
        #expect(text.contains("mean pairwise correlation not known yet\n"))
        let lines = text.split(separator: "\n")
        let worst = try #require(lines.first { $0.contains("failed") && $0.contains("Ω") })
        #expect(worst.split(separator: " ").prefix(5) == ["17", "failed", "-", "-", "0.612"])
    }

    @Test("A lane's shade tells its fraction of ones on a scale that holds all good lanes")
    func shades() {
        let fractions = [0.0, 0.24, 0.26, 0.49, 0.51, 0.74, 0.76, 1.0]
        let map = HeatMap(fractions.enumerated().map { Self.lane($0, p: $1) }, palette: .plain)
        #expect(map.text.hasPrefix("    0 ▁▂▂▄▄▆▆▇\n"))
        #expect(map.text.contains("0.00 ▁▂▃▄▅▆▇ 1.00"))
        let narrow = HeatMap([Self.lane(0), Self.lane(1, .failed, p: 1)], palette: .plain)
        #expect(narrow.text.contains("0.49 ▁▂▃▄▅▆▇ 0.51"))
    }

    @Test("The middle of the scale is in the middle of a shade", arguments: [Palette.plain, .colored])
    func middle(palette: Palette) {
        for fractions in [[0.499, 0.5, 0.501], [0.48, 0.5, 0.52]] {
            let lanes = (fractions + [0, 1]).enumerated().map { Self.lane($0, p: $1) }
            let row = HeatMap(lanes, palette: palette).text.split(separator: "\n")[0]
            let shades = row.dropFirst(6).split(separator: palette == .plain ? "" : "\u{1B}[0m")
            #expect(shades.count == 5 && Set(shades.prefix(3)).count == 1, "\(row)")
        }
    }

    @Test("A map in colour marks failed lanes in red and goes from blue to red")
    func colors() {
        let map = HeatMap(
            [Self.lane(0, p: 0), Self.lane(1, p: 1), Self.lane(2, .failed)], palette: .colored)
        let reset = "\u{1B}[0m"
        #expect(
            map.text.hasPrefix(
                "    0 \u{1B}[38;5;21m█\(reset)\u{1B}[38;5;196m█\(reset)\u{1B}[31m×\(reset)\n"))
    }

    @Test("A map of no lanes, of fractions out of range and of 4,096 lanes is drawn")
    func extremes() {
        #expect(HeatMap([], palette: .plain).text.contains("p(1) of good lanes"))
        let wild = HeatMap([Self.lane(0, p: -1e300), Self.lane(1, p: 1e300)], palette: .plain)
        #expect(wild.text.hasPrefix("    0 ▁▇\n"))
        let large = HeatMap((0..<4_096).map { Self.lane($0) }, palette: .plain)
        #expect(large.text.split(separator: "\n").count == 65)
        #expect(large.text.contains("\n 4032 ▄"))
    }

    @Test(
        "A map shows any quantity of the lanes, on a scale around where good lanes are",
        arguments: [
            (LaneQuantity.p, "p(1) of good lanes: 0.45 ▁▂▃▄▅▆▇ 0.55"),
            (.lag, "lag-1 correlation of good lanes: -0.01 ▁▂▃▄▅▆▇ 0.01"),
            (.cross, "correlation of good lanes with the majority: -0.02 ▁▂▃▄▅▆▇ 0.02"),
            (.trim, "trim of good lanes, in steps: -1000 ▁▂▃▄▅▆▇ 1000"),
        ])
    func quantities(quantity: LaneQuantity, legend: String) throws {
        let text = try RenderingTests.text(HealthReport(Samples.health, map: quantity))
        #expect(text.contains(legend))
        // The correlation with the majority falls from the first lane to the last; all else rises.
        let rows = text.split(separator: "\n")
        let first = try #require(rows.first { $0.hasPrefix("    0 ") })
        let last = try #require(rows.first { $0.hasPrefix("   64 ") })
        let shades = [try #require(first.dropFirst(6).first), try #require(last.dropLast().last)]
        #expect(shades.allSatisfy("▁▂▃▄▅▆▇".contains))
        #expect(quantity == .cross ? shades[0] > shades[1] : shades[0] < shades[1])
    }

    @Test("The worst lanes come first: failed, warned, most alarms, farthest from half")
    func worst() {
        var alarmed = Self.lane(4)
        alarmed.alarms = [AlarmCount(test: "adaptiveProportion", count: 3)]
        var collapsed = Self.lane(7)
        collapsed.alarms = [AlarmCount(test: "resistance", count: 4)]
        let lanes = [
            Self.lane(0), Self.lane(1, p: 0.4), Self.lane(2, .starting, p: 0),
            Self.lane(3, .warned), alarmed, Self.lane(5, .failed), Self.lane(6, p: 0.7), collapsed,
        ]
        #expect(worstLanes(lanes, count: 7).map(\.lane) == [5, 3, 7, 4, 6, 1, 0])
    }
}
