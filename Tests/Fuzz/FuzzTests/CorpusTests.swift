// SPDX-License-Identifier: Apache-2.0

import FuzzTargets
import TestSupport
import Testing

/// Runs the fuzz targets over `Tests/Fuzz/Corpus`; `scripts/fuzz` runs the same ones with libFuzzer.
@Suite(
    "Parsers of foreign bytes, over the kept corpus: MEP/1, Varlink, MEB/1, recordings, YAML, scripts, weights"
)
struct CorpusTests {
    /// Of each file, by seed; a debug build is slower by a factor of about ten.
    #if DEBUG
        private static let mutations = 20
    #else
        private static let mutations = 1_000
    #endif

    @Test("Keeps its properties for every input and its mutations", arguments: FuzzTarget.all)
    func corpus(of target: FuzzTarget) throws {
        let files = try FuzzRun.corpus(of: target)
        #expect(files.count >= 10, "a corpus that is missing would test nothing")
        let run = try FuzzRun(target, files: files, mutations: Self.mutations)
        let input = run.reproducer.map { "\($0)" } ?? "none"
        #expect(run.status == 0, "\(run.errors)the input: \(input)")
    }

    @Test("The corpus is small: 300 kB in all")
    func size() throws {
        let sizes = try FuzzTarget.all.flatMap { try FuzzRun.corpus(of: $0) }
            .map { try contents(ofFile: $0).count }
        #expect(sizes.reduce(0, +) < 300_000)
    }
}
