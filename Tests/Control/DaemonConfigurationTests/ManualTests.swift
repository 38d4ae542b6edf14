// SPDX-License-Identifier: Apache-2.0

import TestSupport
import DaemonConfiguration
import FoundationEssentials
import Testing

/// config/metrngd.yaml, which is the manual of the configuration.
@Suite(
    "The commented configuration file: every key, its built-in value and what is allowed")
struct ManualTests {
    private let manual: String

    init() throws {
        manual = String(
            decoding: try contents(ofFile: repositoryFile("config/metrngd.yaml")), as: UTF8.self)
    }

    @Test("It gives the built-in settings, and shows all their keys")
    func builtIn() throws {
        #expect(try settings(manual) == DaemonSettings())
        let shown = manual.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("#") }
        let all = DaemonSettings().yaml.split(separator: "\n").filter { $0 != "boards: []" }
        #expect(shown == all)
    }

    @Test("Its example is a board with the built-in settings, and shows all their keys")
    func example() throws {
        var expected = DaemonSettings()
        expected.boards = [BoardSettings()]
        #expect(try settings(boardExample) == expected)
        #expect(expected.yaml.contains(boardExample))
        #expect(try settings(manual + boardExample) == expected)
    }

    @Test("For each key it says what is allowed, in the words of the error message")
    func allowedValues() throws {
        let everyKeyWrong = everyKey.split(separator: "\n").map { line in
            line.hasSuffix(":") ? String(line) : line.prefix { $0 != ":" } + ": []"
        }
        let error = #expect(throws: ConfigurationError.self) {
            try settings(everyKeyWrong.joined(separator: "\n"))
        }
        let problems = try #require(error?.problems)
        #expect(problems.count == 61)
        for problem in problems {
            guard case .value(_, let expected) = problem.fault else {
                Issue.record("\(problem)")
                continue
            }
            #expect(allowed(problem.key) == expected[...], "\(problem)")
        }
    }

    /// The lines from the one that starts with "#boards:" up to an empty line, each without its "#".
    private var boardExample: String {
        let lines = manual.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.drop { $0 != "#boards:" }.prefix { !$0.isEmpty }
            .map { $0.dropFirst() + "\n" }.joined()
    }

    /// What the manual says is allowed for a key: in the line before the key, or, for a key of a
    /// board, in the first such line after the key's name in the notes.
    private func allowed(_ key: String) -> Substring? {
        let lines = manual.split(separator: "\n").map { $0.drop { " #".contains($0) } }
        let path = key.split(separator: ".").map { $0.hasPrefix("boards") ? "name" : $0 }
        var index = lines.startIndex
        for name in path {
            index = lines[index...].firstIndex { $0.hasPrefix("\(name):") } ?? index
        }
        let line =
            key.hasPrefix("boards") ? lines[index...].first(where: isAllowed) : lines[index - 1]
        return line?.dropFirst("Allowed: ".count)
    }

    private func isAllowed(_ line: Substring) -> Bool { line.hasPrefix("Allowed: ") }
}
