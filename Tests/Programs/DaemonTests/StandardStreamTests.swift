// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Standard streams that are closed, full, or read by nobody")
struct StandardStreamTests {
    /// Runs a line of a shell; `$metrngd` and `$mectl` in it are the programs.
    private static func shell(_ line: String) throws -> Outcome {
        let programs = "metrngd=\(buildDirectory)/metrngd; mectl=\(buildDirectory)/mectl; "
        return try run("/bin/bash", ["-c", programs + line])
    }

    @Test("The daemon goes on when whoever reads its log has gone")
    func logReaderGone() throws {
        // The reader of the log copies the first line to the file of the test and ends.
        let daemon = try DaemonProcess(
            "boards: [{name: a}]",
            wrapper: ["/bin/bash", "-c", #"exec "$@" 2> >(exec head -n 1 >&2)"#, "sh"])
        #expect(daemon.logText.contains("started, version"))
        for _ in 0..<20 {
            // Each is a reason to write to the log.
            daemon.send(SIGHUP)
            usleep(10_000)
        }
        #expect(try daemon.connect().read(count: 32).count == 32)
        #expect(daemon.stop() == 0)
    }

    @Test(
        "A reason that cannot be written to the standard error changes nothing about the exit status",
        arguments: ["2>&-", "2>/dev/full", "2> >(exec true)"])
    func statusWithoutStandardError(redirection: String) throws {
        let directory = SocketDirectory()
        let file = try directory.write("lgo: {}\n", to: "bad.yaml")
        #expect(try Self.shell("$metrngd --config \(file) \(redirection)").status == 78)
        let missing = "--simulated --runtime-directory \(directory.path)/none"
        #expect(try Self.shell("$metrngd \(missing) \(redirection)").status == 1)
    }

    @Test("With its output closed, mectl says so, and sends the bits to nobody")
    func closedOutput() throws {
        let daemon = try DaemonProcess()
        let socket = "--entropy-socket \(daemon.directory.entropy)"
        let stream = try Self.shell("$mectl stream --bytes 4096 --allow-simulated \(socket) >&-")
        #expect(stream.status == 1)
        #expect(stream.errors.contains("cannot write to the standard output: Bad file descriptor"))
        let status = try Self.shell("$mectl status --socket \(daemon.directory.control) <&- >&-")
        #expect(status.status == 1)
        #expect(status.errors.contains("cannot write to the standard output: Bad file descriptor"))
    }

    @Test("A reader of mectl that has had enough is no error")
    func outputReaderGone() throws {
        let daemon = try DaemonProcess()
        let stream = "$mectl stream --allow-simulated --entropy-socket \(daemon.directory.entropy)"
        let outcome = try Self.shell("\(stream) | head -c 1000 | wc -c; exit ${PIPESTATUS[0]}")
        #expect(outcome.status == 0)
        #expect(outcome.text.trimmingCharacters(in: .whitespacesAndNewlines) == "1000")
        let watch = "$mectl watch --json --interval 0.1 --socket \(daemon.directory.control)"
        #expect(try Self.shell("\(watch) | head -n 2; exit ${PIPESTATUS[0]}").status == 0)
    }
}
