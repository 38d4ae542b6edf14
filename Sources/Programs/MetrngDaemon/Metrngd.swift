// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import DaemonConfiguration
import FoundationEssentials
import Glibc
import LinuxPlatform
import SystemdSupport

/// The daemon's command line.
struct Metrngd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrngd",
        abstract: "Serve random bits from arrays of stochastic magnetic tunnel junctions.",
        discussion: """
            Runs in the foreground and logs to standard error, or to the journal when systemd starts it. \
            SIGTERM and SIGINT stop it; SIGHUP makes it read its configuration again.

            METRNG_RUNTIME_DIRECTORY does the same as --runtime-directory, which overrides it.

            Exit status: 0 after a stop, 1 when it cannot run, 64 for a wrong command line, 78 for a \
            wrong configuration.
            """,
        version: "metrngd \(metrngVersion)")

    /// The exit status for a wrong configuration, EX_CONFIG of sysexits.h.
    private static let configurationExit: Int32 = 78

    @Option(
        help: ArgumentHelp(
            "Read this configuration file instead of /etc/metrng/metrngd.yaml.", valueName: "file"))
    var config: String?

    @Flag(
        help: """
            Use only the simulated boards of the configuration, or one with built-in values. Their \
            bits are not random.
            """)
    var simulated = false

    @Option(
        help: ArgumentHelp(
            """
            Use only this recording, made with "mectl record", instead of boards. Its bits are not \
            new, and are served as replay.
            """, valueName: "file"))
    var replay: String?

    @Option(
        help: ArgumentHelp(
            "Put the sockets in this directory instead of /run/metrng.", valueName: "directory"))
    var runtimeDirectory: String?

    @Flag(help: "Check the configuration, report what is wrong with it, and exit.")
    var checkConfig = false

    func run() throws {
        if checkConfig, config == nil { ServiceUser.become() }
        let loaded = try load()
        if checkConfig {
            let files =
                loaded.files.isEmpty ? "built-in values" : loaded.files.joined(separator: ", ")
            print("metrngd: the configuration is valid (\(files))")
            return
        }
        do {
            let daemon = try Daemon(loaded) { () throws(ConfigurationError) in
                try loadConfiguration()
            }
            daemon.run()
        } catch {
            DaemonLog.complain(.cannotStart, "\(error)")
            throw ExitCode.failure
        }
    }

    private func load() throws -> LoadedConfiguration {
        do {
            return try loadConfiguration()
        } catch {
            DaemonLog.complain(.configurationRefused, error.description)
            throw ExitCode(Self.configurationExit)
        }
    }

    private func loadConfiguration() throws(ConfigurationError) -> LoadedConfiguration {
        try DaemonConfiguration.loadConfiguration(
            from: config.map { .required($0) } ?? .standard,
            environment: ProcessInfo.processInfo.environment,
            flags: SettingFlags(
                runtimeDirectory: runtimeDirectory, simulated: simulated,
                replay: replay.map(absolutePath)))
    }

    /// The daemon keeps no working directory in mind: a recording is opened whenever the board is.
    private func absolutePath(_ path: String) -> String {
        path.hasPrefix("/") || path.isEmpty
            ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    func validate() throws {
        guard replay == nil || !simulated else {
            throw ValidationError("--replay and --simulated exclude each other.")
        }
    }
}

/// Runs the daemon with the arguments of the process, as ArgumentParser's own `main`, but with the program's
/// name before an error. Returns when the daemon was stopped; otherwise exits.
package func runMetrngd() {
    restoreFatalSignals()
    prepareStandardStreams()
    let waitingClients = WaitingClients()
    do {
        var command = try Metrngd.parseAsRoot(processArguments)
        try command.run()
    } catch {
        let status = Metrngd.exitCode(for: error)
        let text = Metrngd.fullMessage(for: error)
        if status.isSuccess { Metrngd.exit(withError: error) }
        if !text.isEmpty {
            DaemonLog.complain(.cannotStart, "\(text.trimmingPrefix("Error: "))")
        }
        waitingClients.turnAway()
        exit(status.rawValue)
    }
}
