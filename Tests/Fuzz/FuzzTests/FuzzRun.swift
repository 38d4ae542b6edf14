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

    /// - Parameters:
    ///   - files: paths of inputs.
    ///   - mutations: how many of each file are run.
    init(_ target: FuzzTarget, files: [String], mutations: Int, seed: UInt64 = 1) throws {
        let directory = TemporaryDirectory()
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("fuzz-parsers")
        process.arguments =
            [target.name, "\(mutations)", "\(seed)", directory.file("reproducer")] + files
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWIFT_BACKTRACE": "enable=no"], uniquingKeysWith: { $1 })
        try process.run()
        self.errors = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
        reproducer = try? contents(ofFile: directory.file("reproducer"))
    }

    /// Where the inputs of a target are that are kept.
    static func corpus(of target: FuzzTarget) throws -> [String] {
        let folder = repositoryFile("Tests/Fuzz/Corpus/\(target.name)")
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .map { "\(folder)/\($0)" }
    }
}
