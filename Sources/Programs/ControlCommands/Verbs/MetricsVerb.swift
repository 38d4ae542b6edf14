// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc
import LinuxPlatform

struct MetricsVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print metrics in the Prometheus text format.",
        discussion: """
            With --output, a file is replaced as a whole, as the textfile collector of node_exporter \
            requires; if metrngd does not answer, the file says so.
            """)

    @Option(help: ArgumentHelp("The file to replace.", valueName: "file"))
    var output: String?

    @OptionGroup var options: SocketOption

    static let foreignOptions: Set = ["--json"]

    func validate() throws {
        if output == "" { throw ValidationError("--output takes the path of a file") }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        let text: String
        do {
            text = try options.ask(console) { (client) throws(ControlClientError) in
                try client.metrics()
            }
        } catch {
            if let output { try Self.replace(output, with: metricsOfNoDaemon) }
            throw error
        }
        if let output {
            try Self.replace(output, with: text)
        } else {
            do { try console.write(text) } catch { throw .output(error) }
        }
        return .success
    }

    /// Replaces a file as a whole: a reader sees the old one or the new one. Anything but a regular file is
    /// refused, or /dev/null would become one.
    private static func replace(_ path: String, with text: String) throws(Failure) {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw .file(SystemError("replace", path, code: EINVAL))
        }
        let file = try NewFile("\(path).\(getpid())")
        do throws(Failure) {
            try file.write(text)
            try file.replace(path)
        } catch {
            file.remove()
            throw error
        }
    }
}
