// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import ControlCommands
import ControlTestSupport
import ControlInterface
import EntropyTerms
import OperatingPointControl
import Testing

@Suite(
    "Pictures of a sweep: golden plots and maps of a damped cosine, SVG as XML, sweeps at their limits"
)
struct SweepPictureTests {
    private static func screen(_ sweep: SweepReport, _ palette: Palette = .plain) -> String {
        CalibrationReport(sweep: sweep, applied: nil).text(palette: palette, now: Samples.now)
    }

    @Test("A damped precession, as a curve of dots around the line of ½")
    func precession() {
        let expected = """
            SIMULATED — these bits come from a model and are not random

            board0: switching probability, at 1100 mV
            P = 1┤
                 │
                 │
                 │      ⡜⠑⡄
                 │     ⢸  ⢣
             0.75┤     ⡜  ⠈⡆
                 │    ⢀⠇   ⢱           ⣀
                 │    ⢸    ⠈⡆        ⢀⠎ ⠑⡄
                 │    ⡇     ⡇        ⡎   ⠸⡀         ⢀⠤⢄⡀
                 │   ⢠⠃     ⢣       ⢰⠁    ⢣        ⡔⠁  ⠑⢄         ⡠⠤⠤⢄⡀
              0.5┤╌╌╌⢸╌╌╌╌╌╌⠸⡀╌╌╌╌╌⢀⠇╌╌╌╌╌╌⢣╌╌╌╌╌╌⡸╌╌╌╌╌╌⠣⡀╌╌╌╌⢀⠔⠊╌╌╌╌⠈⠒⢤⡀╌╌╌⣀⠤⠒⠉⠉⠉⠉⠑⠒⠦⠤⣀⣀⣀⠤
                 │   ⢸       ⢇     ⡜       ⠘⡄   ⢀⠜        ⠈⠦⢄⡠⠔⠉         ⠈⠉⠉⠉
                 │   ⡜       ⠸⡀   ⢰⠁        ⠘⢄⡀⣀⠎
                 │   ⡇        ⢇   ⡸           ⠉
                 │  ⢰⠁        ⠸⡀ ⢠⠃
             0.25┤  ⡸          ⠱⠴⠁
                 │  ⡇
                 │ ⢸
                 │ ⡎
                 │ ⡇
                0┤⡰⠁
                 └┬───▲───────────┬───────────────┬────────────────┬───────────────┬────────
                  0             2000            4000             6000            8000
                                              pulse width in ps

            Proposal (▲): 1100 mV, 437 ps, 250 µT: the point at which the lanes are nearest to 50 % ones
            Not set. To set it: mectl set board0 --amplitude 1100.0 --width 437.0

            """
        #expect(Self.screen(SampleSweeps.precession) == expected)
    }

    @Test("Amplitude by width, in shades, when both vary")
    func map() {
        let expected = """
            SIMULATED — these bits come from a model and are not random

            board0: switching probability, by amplitude in mV
             1300 ▁▁▁▁▁▁▁▁▁▂▂▂▂▂▂▂▂▅▅▅▅▅▅▅▅▇▇▇▇▇▇▇▇▅▅▅▅▅▅▅▅▅▃▃▃▃▃▃▃▃▂▂▂▂▂▂▂▂▃▃▃▃▃▃▃▃▅▅▅▅▅▅▅▅
             1100 ▁▁▁▁▁▁▁▁▁▂▂▂▂▂▂▂▂▅▅▅▅▅▅▅▅▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▄▄▄▄▄▄▄▄▃▃▃▃▃▃▃▃▂▂▂▂▂▂▂▂▃▃▃▃▃▃▃▃
              900 ▁▁▁▁▁▁▁▁▁▂▂▂▂▂▂▂▂▄▄▄▄▄▄▄▄▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▅▅▅▅▅▅▅▅▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃
                 └┬───────────────▲─┬──────────────────┬─────────────────┬─────────────────┬
                  0                500               1000              1500             2000
                                              pulse width in ps

                  P: 0 ▁▂▃▄▅▆▇ 1

            Proposal (▲): 1100 mV, 437 ps, 250 µT: the point at which the lanes are nearest to 50 % ones
            Not set. To set it: mectl set board0 --amplitude 1100.0 --width 437.0

            """
        #expect(Self.screen(SampleSweeps.map) == expected)
    }

    @Test("Against the amplitude, when only that varies")
    func amplitudes() {
        let screen = Self.screen(SampleSweeps.amplitudes)
        #expect(screen.contains(": switching probability, at 437 ps\n"))
        #expect(screen.contains("      600           800          1000 "))
        #expect(screen.contains("\n                                   amplitude in mV\n"))
        #expect(screen.contains("───▲───"))
    }

    @Test(
        "Nothing is wider than 80 characters",
        arguments: [SampleSweeps.precession, SampleSweeps.map])
    func width(sweep: SweepReport) {
        let lines = Self.screen(sweep).split(separator: "\n")
        // What the daemon gives as a reason may be as long as it likes.
        #expect(lines.filter { !$0.hasPrefix("Proposal") }.allSatisfy { $0.count <= 80 })
    }

    @Test(
        "A picture is as wide as a terminal of 40 to 80 columns, and its labels are the same in ASCII",
        arguments: [40, 59, 60, 79], [SampleSweeps.precession, SampleSweeps.map])
    func narrow(columns: Int, sweep: SweepReport) {
        let report = CalibrationReport(sweep: sweep, applied: nil)
        let lines = report.text(palette: .plain, now: Samples.now, columns: columns).split(separator: "\n")
        let picture = lines.prefix { !$0.hasPrefix("Proposal") }.dropFirst(2)
        #expect(picture.map(\.count).max() == columns)
        #expect(picture.allSatisfy { !$0.contains("½") && !$0.contains("¼") && !$0.contains("¾") })
        #expect(CalibrationReport.isFolded, "what is longer is no picture")
    }

    @Test("Ticks of a short axis have the digits that tell them apart")
    func shortAxis() {
        var sweep = SampleSweeps.precession
        sweep.points = (0...4).map { SampleSweeps.point(width: 0.1 + 0.225 * Double($0)) }
        let values = Self.screen(sweep).split(separator: "\n").first { $0.contains(" 0.4 ") }
        #expect(values?.split(separator: " ") == ["0.2", "0.4", "0.6", "0.8", "1.0"])
    }

    @Test("The figure of a single point is written out")
    func singlePoint() {
        var sweep = SampleSweeps.precession
        sweep.points = [SampleSweeps.point(width: 437.5)]
        #expect(Self.screen(sweep).contains("board0: switching probability 0.500, at 1100 mV, 438 ps\n\nProposal"))
    }

    @Test("Bits of a device carry no warning, and a proposal that was set is said to be")
    func applied() {
        var sweep = SampleSweeps.precession
        sweep.provenance = .hardware
        let report = CalibrationReport(sweep: sweep, applied: sweep.proposal)
        let screen = report.text(palette: .plain, now: Samples.now)
        #expect(screen.hasPrefix("board0: switching probability"))
        #expect(
            screen.hasSuffix(
                """

                Set: the operating point of board0 is now 1100 mV, 437 ps, 250 µT
                Until metrngd restarts. To keep it, add to board0 in boards of /etc/metrng/metrngd.yaml:
                    operatingPoint:
                      amplitudeMillivolts: 1100.0
                      pulseWidthPicoseconds: 437.0
                      biasFieldMicrotesla: 250.0

                """))
    }

    @Test("A map in colour goes from blue for never to red for always")
    func colors() {
        var sweep = SampleSweeps.map
        for index in sweep.points.indices { sweep.points[index].switching = Double(index % 2) }
        let screen = Self.screen(sweep, .colored)
        #expect(screen.contains("\u{1B}[38;5;21m█\u{1B}[0m\u{1B}[38;5;196m█\u{1B}[0m"))
    }

    /// Sweeps that no board gives, but that somebody who answers at the socket may.
    private static let strange: [[SweepPoint]] = [
        [], [SampleSweeps.point(width: 350)],
        [SampleSweeps.point(width: 350), SampleSweeps.point(width: 350)],
        [SampleSweeps.point(width: -1.7e308), SampleSweeps.point(width: 1.7e308)],
        [SampleSweeps.point(width: 1e300), SampleSweeps.point(width: 1e300.nextUp)],
        [SampleSweeps.point(width: 0), SampleSweeps.point(width: .leastNonzeroMagnitude)],
        [
            SampleSweeps.point(amplitude: 1, width: 0), SampleSweeps.point(amplitude: 2, width: 0),
            SampleSweeps.point(amplitude: 2, width: 1),
        ],
        (0..<4_096).map { SampleSweeps.point(amplitude: Double($0 / 64), width: Double($0 % 64)) },
        (0..<4_096).map { SampleSweeps.point(width: Double($0)) },
        [-1e308, 1e308].map { share in
            var point = SampleSweeps.point(width: share < 0 ? 1 : 2)
            point.switching = share
            return point
        },
    ]

    @Test("Sweeps at their limits are drawn somehow", arguments: strange)
    func limits(points: [SweepPoint]) {
        var sweep = SampleSweeps.precession
        sweep.points = points
        #expect(Self.screen(sweep).contains("Proposal"))
        #expect(Self.isXML(sweepSVG(sweep)))
    }

    /// Whether every element that begins ends, in order, and text has no more than the entities of XML.
    private static func isXML(_ text: String) -> Bool {
        var open: [Substring] = []
        let pieces = text.split(separator: "<", omittingEmptySubsequences: false)
        guard pieces.first?.isEmpty == true else { return false }
        for piece in pieces.dropFirst() {
            let parts = piece.split(separator: ">", omittingEmptySubsequences: false)
            guard parts.count == 2, hasOnlyEntities(parts[1]), hasOnlyEntities(parts[0]),
                parts[0].count(where: { $0 == "\"" }).isMultiple(of: 2)
            else { return false }
            let name = parts[0].prefix { !$0.isWhitespace }
            switch (name.first, parts[0].last) {
            case ("?", "?"), (_, "/"): break
            case ("/", _): if open.popLast() != name.dropFirst() { return false }
            case (let first?, _) where first.isLetter: open.append(name)
            default: return false
            }
        }
        return open.isEmpty && text.contains("<")
    }

    private static func hasOnlyEntities(_ text: Substring) -> Bool {
        text.split(separator: "&", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            rest in
            ["amp;", "lt;", "gt;", "quot;"].contains { rest.hasPrefix($0) }
        }
    }

    @Test(
        "A chart is XML, with a curve for each amplitude",
        arguments: [
            (SampleSweeps.precession, 1), (SampleSweeps.amplitudes, 1), (SampleSweeps.map, 3),
        ])
    func chart(sweep: SweepReport, curves: Int) {
        let svg = sweepSVG(sweep)
        #expect(Self.isXML(svg))
        #expect(svg.split(separator: "<polyline").count == curves + 1)
        for part in [
            "SIMULATED — these bits come from a model and are not random", ">½<",
            ">proposal: 1100 mV, 437 ps, 250 µT<", "Switching probability of the devices of board0",
        ] {
            #expect(svg.contains(part))
        }
        // Nothing is fetched from elsewhere.
        #expect(!svg.contains("href") && !svg.contains("url("))
    }

    @Test("A board that names itself in markup or control sequences stays text")
    func hostileNames() {
        var sweep = SampleSweeps.precession
        sweep.name = "</text><script>&\u{1B}[2J]]>\u{0}"
        sweep.reason = "\u{1B}c"
        let svg = sweepSVG(sweep)
        #expect(Self.isXML(svg) && !svg.contains("<script"))
        let screen = Self.screen(sweep)
        #expect(!(svg + screen).unicodeScalars.contains { $0 != "\n" && $0.value < 32 })
    }

    @Test(
        "What is no XML would be found",
        arguments: [
            "<a><b></a>", "<a>", "<a></a></a>", "<a>&</a>", "<a>&nbsp;</a>", "<a><</a>", "<a>></a>",
            "<a b=\"></a>", "<>", "text", "",
        ])
    func negative(text: String) {
        #expect(!Self.isXML(text))
    }
}
