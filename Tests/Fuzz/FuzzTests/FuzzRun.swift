// SPDX-License-Identifier: Apache-2.0

import Foundation
import FuzzTargets
import TestSupport

/// What a run of `fuzz-parsers` over inputs came to. It runs in a process of its own, so that a crash
/// fails one test and leaves the input behind.
struct FuzzRun {
    let status: Int32
    let errors: String
    /// The input that failed; nil when none did.
    let reproducer: [UInt8]?

    /// The exit status for an input that fails.
    static let failure: Int32 = 77
    /// The time after which a run is killed. The limit of an input is one of processor time.
    private static let seconds = 600.0

    /// - Parameters:
    ///   - files: paths of inputs.
    ///   - mutations: how many of each file are run.
    init(_ target: FuzzTarget, files: [String], mutations: Int, seed: UInt64 = 1) throws {
        let directory = TemporaryDirectory()
        let outcome = try run(
            "\(buildDirectory)/fuzz-parsers",
            [target.name, "\(mutations)", "\(seed)", directory.file("reproducer")] + files,
            seconds: Self.seconds)
        status = outcome.status
        errors = outcome.errors
        reproducer = try? contents(ofFile: directory.file("reproducer"))
    }

    /// Where the inputs of a target are that are kept.
    static func corpus(of target: FuzzTarget) throws -> [String] {
        let folder = repositoryFile("Tests/Fuzz/Corpus/\(target.name)")
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .map { "\(folder)/\($0)" }
    }
}
