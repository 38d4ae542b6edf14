// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Glibc

/// The directory of the tools under test, which is that of the program that runs the tests.
package let buildDirectory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().path

/// The exit status and output of a program that has ended.
package struct Outcome: Sendable {
    package let status: Int32
    package let output: Data
    package let errors: String

    package var text: String { String(decoding: output, as: UTF8.self) }
}

/// Runs a program to its end.
///
/// - Parameter seconds: the time after which it is killed, so that a test that hangs fails instead.
package func run(
    _ program: String, _ arguments: [String], seconds: Double = 3 * Double(patience) / 1000
) throws -> Outcome {
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let killer = DispatchWorkItem { kill(process.processIdentifier, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: killer)
    let reader = ErrorReader(errors.fileHandleForReading)
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    killer.cancel()
    return Outcome(status: process.terminationStatus, output: bytes, errors: reader.text())
}

/// Reads a pipe to its end on a thread of its own, so that two pipes cannot block each other.
private final class ErrorReader: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var bytes = Data()

    init(_ handle: FileHandle) {
        DispatchQueue.global().async { [self] in
            bytes = handle.readDataToEndOfFile()
            done.signal()
        }
    }

    func text() -> String {
        done.wait()
        return String(decoding: bytes, as: UTF8.self)
    }
}
