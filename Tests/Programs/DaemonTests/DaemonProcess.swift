// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import TestSupport

/// A directory for sockets that is removed with its owner. Its path is short, as a socket's must be.
final class SocketDirectory {
    private let directory = TemporaryDirectory()

    var path: String { directory.path }
    var entropy: String { "\(path)/entropy.sock" }
    var control: String { "\(path)/control.sock" }
    var contents: [String] { directory.entries }

    /// Writes a file in the directory and returns its path.
    func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }
}

/// The text of a file, empty when there is none. `String(contentsOfFile:)` leaks its buffer.
func textOfFile(_ path: String) -> String {
    let data = FileHandle(forReadingAtPath: path)?.readDataToEndOfFile()
    return String(decoding: data ?? Data(), as: UTF8.self)
}

func mectl(_ arguments: String..., directory: SocketDirectory) throws -> Outcome {
    try run(
        "\(buildDirectory)/mectl", arguments + ["--socket", directory.control])
}

/// A daemon under test.
final class DaemonProcess {
    let directory: SocketDirectory
    private let process = Process()
    private let log: String

    /// Starts metrngd and waits until both sockets are there, or until it has ended.
    ///
    /// - Parameters:
    ///   - configuration: the text of its configuration file; with nil, it runs with `--simulated`.
    ///   - wrapper: a program with arguments that starts the daemon, to change its surroundings.
    init(
        _ configuration: String? = nil, directory: SocketDirectory = SocketDirectory(),
        wrapper: [String] = [], program: String = "\(buildDirectory)/metrngd"
    ) throws {
        self.directory = directory
        log = "\(directory.path)/log"
        var command = wrapper + [program, "--runtime-directory", directory.path]
        if let configuration {
            command += ["--config", try directory.write(configuration, to: "metrngd.yaml")]
        } else {
            command.append("--simulated")
        }
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardError = FileHandle(forWritingAtPath: log)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        _ = eventually { !process.isRunning || self.isListening }
    }

    deinit {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    var processID: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var logText: String { textOfFile(log) }

    private var isListening: Bool {
        // The log is written once the sockets answer.
        logText.contains("started, version")
    }

    /// Whether the log has a text, now or soon: it is written a moment after what it is about.
    func tells(_ text: String) -> Bool { eventually { logText.contains(text) } }

    /// Whether the log has told of a failure of a board by this cause.
    ///
    /// The status has a cause only until the next attempt, a quarter of a second later; the log keeps it.
    func hasToldFailure(_ cause: String) -> Bool {
        logText.split(separator: "\n").contains {
            $0.hasPrefix("metrngd: error: board ") && $0.contains(cause)
        }
    }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for the end of the daemon.
    ///
    /// - Returns: its exit status; nil when it was still running after the patience of the tests or died of a signal.
    func waitForExit() -> Int32? {
        _ = eventually { !process.isRunning }
        guard !process.isRunning, process.terminationReason == .exit else { return nil }
        return process.terminationStatus
    }

    /// Waits for the end of the daemon.
    ///
    /// - Returns: the signal that it died of; nil when it did not.
    func waitForSignal() -> Int32? {
        _ = eventually { !process.isRunning }
        guard !process.isRunning, process.terminationReason == .uncaughtSignal else { return nil }
        return process.terminationStatus
    }

    func stop() -> Int32? {
        send(SIGTERM)
        return waitForExit()
    }

    func connect() throws -> EntropyConnection {
        try EntropyConnection(path: directory.entropy, allowsSimulated: true, reconnectSeconds: 0)
    }

    /// How much of a processor it has used.
    var processorSeconds: Double {
        let text = textOfFile("/proc/\(processID)/stat")
        // The fields after the name, which ends with a parenthesis; user and system time are 14 and 15.
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = fields.dropFirst(11).prefix(2).compactMap { Double($0) }
        return ticks.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// What it holds of the system.
    var resources: (descriptors: Int, threads: Int, residentKibibytes: Int) {
        let folder = "/proc/\(processID)"
        func count(_ name: String) -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)"))?.count ?? 0
        }
        let status = textOfFile("\(folder)/status")
        let resident = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kibibytes = resident?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return (count("fd"), count("task"), kibibytes)
    }

    /// The value of a field of a board in `GetStatus`, as JSON gave it.
    ///
    /// - Parameter board: nil for the first.
    func boardStatus(_ field: String, of board: String? = nil) throws -> Any? {
        let outcome = try run(
            "\(buildDirectory)/mectl",
            ["status", "--json", "--socket", directory.control] + [board].compactMap { $0 })
        let object = try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any]
        return (object?["boards"] as? [[String: Any]])?.first?[field]
    }
}
