// SPDX-License-Identifier: Apache-2.0

import FuzzTargets
import Glibc
import LinuxPlatform
import TestSupport
import Testing

/// The control of the harness. `scripts/fuzz` has one of its own.
@Suite("A parser with a planted bug is reported, with the input that shows it")
struct PlantedBugTests {
    private let directory = TemporaryDirectory()

    /// Only the leak sanitizer finds leaks.
    private static let found = FuzzTarget.planted.filter { $0.name != "planted-leak" }

    private func file(_ text: String) throws -> String {
        let path = directory.file("input")
        let file = Descriptor(
            owning: try system("create", path) { open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600) })
        try system("write", path) { write(file.raw, text, text.utf8.count) }
        return path
    }

    @Test("In an input of the corpus", .thorough, arguments: found)
    func inCorpus(target: FuzzTarget) throws {
        let run = try FuzzRun(target, files: [try file("!0123")], mutations: 0)
        #expect(run.status == FuzzRun.failure)
        #expect(run.reproducer == Array("!0123".utf8))
        #expect(run.errors.contains("the input is in"), "\(run.errors)")
    }

    @Test("Not in one that does not meet it", arguments: found)
    func notMet(target: FuzzTarget) throws {
        let run = try FuzzRun(target, files: [try file("0123")], mutations: 0)
        #expect(run.status == 0)
        #expect(run.reproducer == nil)
    }

    @Test("In a mutation of an input, the same one in every run with a seed", .thorough)
    func inMutation() throws {
        let target = try #require(Self.found.first { $0.name == "planted-trap" })
        let path = try file("0123456789")
        let runs = try (0..<2).map { _ in try FuzzRun(target, files: [path], mutations: 20_000) }
        #expect(runs.map(\.status) == [FuzzRun.failure, FuzzRun.failure])
        #expect(runs[0].reproducer?.first == UInt8(ascii: "!"))
        #expect(runs[0].reproducer == runs[1].reproducer)
    }

    @Test("Is among the targets only when it is asked for")
    func names() {
        let names = Set(FuzzTarget.all.map(\.name))
        #expect(names.count == FuzzTarget.all.count)
        #expect(FuzzTarget.planted.allSatisfy { !names.contains($0.name) })
    }
}
