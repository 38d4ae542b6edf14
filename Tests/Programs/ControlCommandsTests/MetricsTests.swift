// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import ControlTestSupport
import Foundation
import TestSupport
import Testing

@Suite(
    "mectl metrics: the text for Prometheus for boards of any name; every metric of the documents, alerts and dashboard exists; files"
)
struct MetricsTests {
    private static func file(_ path: String) throws -> String {
        String(decoding: try contents(ofFile: repositoryFile(path)), as: UTF8.self)
    }

    /// The names of metrics in a text; those that end with a dot of a file are none.
    private static func names(in text: String) -> Set<String> {
        Set(text.matches(of: /\bmetrng_[a-z_]+\b/).map { String($0.output) })
    }

    private static let all = Set(Metric.all.map(\.name))

    @Test("Each has its help and type, and a sample for each board with what its bits are")
    func text() {
        let lines = metricsText(Samples.status).split(separator: "\n").map(String.init)
        for metric in Metric.all {
            #expect(lines.contains("# HELP \(metric.name) \(metric.help)"))
            #expect(lines.contains("# TYPE \(metric.name) \(metric.kind.rawValue)"))
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"))
        }
        for line in [
            "metrng_up 1",
            #"metrng_board_state{board="board0",provenance="simulated",state="serving"} 1"#,
            #"metrng_board_state{board="board0",provenance="simulated",state="failed"} 0"#,
            #"metrng_board_lanes{board="board0",provenance="simulated",state="good"} 508"#,
            #"metrng_ring_available_bytes{board="board0",provenance="simulated",grade="full"} 2097152"#,
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test("Names that a board gives itself stay values of labels")
    func escaping() {
        var status = Samples.status
        status.boards[0].serial = "a\"b\\c\nd} 7"
        status.boards[0].temperatureCelsius = .infinity
        let text = metricsText(status)
        #expect(text.contains(#"serial="a\"b\\c\nd} 7""#))
        #expect(
            text.contains(
                "metrng_board_temperature_celsius{board=\"board0\",provenance=\"simulated\"} NaN\n")
        )
        #expect(
            text.split(separator: "\n").allSatisfy { $0.hasPrefix("metrng_") || $0.hasPrefix("# ") }
        )
    }

    @Test("What is not known has no sample, and no board is no error")
    func unknown() {
        var status = Samples.status
        status.boards[0].newestBitAge = nil
        #expect(!metricsText(status).contains("metrng_board_newest_bit_age_seconds{"))
        status.boards = []
        #expect(metricsText(status).contains("metrng_up 1\n"))
    }

    @Test(
        "The documents, the alerts and the dashboard name what there is",
        arguments: [
            "docs/metrics.md", "config/prometheus/metrng.rules.yml", "config/grafana/metrng.json",
        ])
    func named(path: String) throws {
        let named = Self.names(in: try Self.file(path))
        #expect(!named.isEmpty)
        #expect(named.subtracting(Self.all) == [])
        if path.hasPrefix("docs") {
            #expect(Self.all.subtracting(named) == [], "all are documented")
        }
    }

    @Test("The dashboard is JSON in which no two panels have one number")
    func dashboard() throws {
        let data = Data(try Self.file("config/grafana/metrng.json").utf8)
        let dashboard = try #require(
            try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        let numbers = panels.compactMap { $0["id"] as? Int }
        #expect(numbers.count == panels.count && Set(numbers).count == numbers.count)
        #expect(
            panels.allSatisfy { $0["targets"] is [[String: Any]] && $0["gridPos"] is [String: Int] }
        )
    }

    @Test("A file is replaced as a whole, also to say that no daemon answers")
    func files() throws {
        let daemon = try FakeDaemon()
        let directory = TemporaryDirectory()
        let path = directory.file("metrng.prom")
        let arguments = ["metrics", "--output", path, "--socket"]
        #expect(Invocation(arguments + [daemon.path]).exitCode == 0)
        #expect(
            try String(contentsOf: URL(filePath: path), encoding: .utf8)
                == metricsText(Samples.status))
        #expect(Invocation(arguments + ["/nowhere"]).exitCode == 69)
        #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == metricsOfNoDaemon)
        #expect(directory.entries == ["metrng.prom"])
        #expect(
            Invocation(["metrics", "--output", "/nowhere/x", "--socket", daemon.path]).exitCode == 1
        )
        #expect(Invocation(["metrics", "--json"]).exitCode == 64)
        #expect(Invocation(["metrics", "--output", ""]).exitCode == 64)
    }
}
