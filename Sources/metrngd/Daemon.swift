// SPDX-License-Identifier: Apache-2.0

import Conditioning
import ControlInterface
import DaemonConfiguration
import EntropyPipeline
import EntropyRing
import EntropyServer
import Glibc
import LinuxPlatform
import Logging
import Synchronization
import Varlink

/// Everything that runs, and the main thread's loop: signals, and what the pipelines report.
final class Daemon {
    private let logger = Logger(label: "metrngd") { _ in StandardErrorLog() }
    private let load: () throws(ConfigurationError) -> LoadedConfiguration
    private let shared: DaemonStatus
    private let signals: SignalQueue
    private let events: EventQueue
    private let entropy: EntropyServer
    private let control: VarlinkServer
    // Held for as long as the daemon runs.
    private let lock: LockFile

    /// Starts everything; the sockets answer when this returns.
    ///
    /// To be called on the main thread, before there is any other.
    ///
    /// - Parameter load: reads the configuration again, for SIGHUP.
    init(
        _ loaded: LoadedConfiguration,
        reloading load: @escaping () throws(ConfigurationError) -> LoadedConfiguration
    ) throws {
        self.load = load
        let settings = loaded.settings
        logThreshold.store(settings.log.level.loggerLevel.severity, ordering: .relaxed)
        do { try ConditionerSelfTest.run() } catch { throw StartError.selfTest(error) }
        signals = try SignalQueue([SIGTERM, SIGINT, SIGHUP])
        events = try EventQueue()
        lock = try Self.lock(settings.runtimeDirectory)
        let sockets = try Sockets(settings)
        raiseDescriptorLimit()
        let bitsArrived = try Wakeup()
        let units = try Self.makeUnits(
            BoardUnit.Surroundings(daemon: settings, bitsArrived: bitsArrived, events: events),
            logger: logger)
        shared = DaemonStatus(configuration: loaded, units: units, sockets: sockets)
        do {
            (entropy, control) = try Self.serve(
                shared, on: sockets, bitsArrived: bitsArrived, settings: settings)
        } catch {
            for unit in units { unit.pipeline.stop() }
            throw error
        }
    }

    /// Runs until SIGTERM or SIGINT, and ends everything.
    func run() {
        let configuration = shared.current
        let files = configuration.files.isEmpty ? ["built-in values"] : configuration.files
        logger.info(
            "started, version \(metrngVersion), configuration: \(files.joined(separator: ", "))")
        if configuration.settings.boards.isEmpty {
            logger.warning("no board is configured: nothing is served; see boards in metrngd.yaml")
        }
        do {
            try loop()
        } catch {
            logger.critical("\(error)")
        }
        stop()
        logger.info("stopped")
    }

    // MARK: The loop

    private func loop() throws(SystemError) {
        let poll = try EventPoll()
        try poll.add(signals.descriptor, .readable, token: 0)
        try poll.add(events.wakeup.descriptor, .readable, token: 1)
        while true {
            _ = poll.wait()
            writeEvents()
            while let signal = signals.next() {
                guard signal == SIGHUP else { return }
                reload()
            }
        }
    }

    private func writeEvents() {
        let (entries, lost) = events.takeAll()
        for entry in entries {
            let (level, text) = entry.event.logLine
            logger.log(level: level, "board \(entry.board): \(text)")
        }
        if lost > 0 { logger.debug("\(lost) more reports of boards did not fit the queue") }
    }

    /// Takes up what can change while the daemon runs, and says what cannot.
    private func reload() {
        let new: LoadedConfiguration
        do {
            new = try load()
        } catch {
            logger.error("the configuration is not valid and was not taken up: \(error)")
            return
        }
        let changes = shared.current.settings.changes(to: new.settings)
        for change in changes where !change.appliesLive {
            logger.warning(
                "\(change.key) is still \(change.old): a restart is needed for \(change.new)")
        }
        for change in changes where change.appliesLive {
            logger.info("\(change.key) is now \(change.new), was \(change.old)")
        }
        apply(new)
        logger.info("read the configuration again: \(changes.count) changes")
    }

    private func apply(_ new: LoadedConfiguration) {
        logThreshold.store(new.settings.log.level.loggerLevel.severity, ordering: .relaxed)
        entropy.maximumClients.store(new.settings.entropy.maximumClients, ordering: .relaxed)
        control.setMaximumConnections(new.settings.control.maximumClients)
        shared.adoptLive(new)
    }

    /// No part can hold up another for long: each ends its own waits.
    private func stop() {
        control.stop()
        entropy.stop()
        for unit in shared.units { unit.pipeline.stop() }
        writeEvents()
    }

    // MARK: Starting

    private static func lock(_ directory: String) throws(StartError) -> LockFile {
        do {
            return try LockFile(path: "\(directory)/metrngd.lock")
        } catch {
            throw error.code == EWOULDBLOCK ? .directoryInUse(directory) : .directory(error)
        }
    }

    private static func serve(
        _ status: DaemonStatus, on sockets: Sockets, bitsArrived: Wakeup, settings: DaemonSettings
    ) throws(SystemError) -> (EntropyServer, VarlinkServer) {
        let entropy = try EntropyServer(
            EntropyServer.Parts(
                listener: sockets.entropy, sources: status.units.map(\.source),
                bitsArrived: bitsArrived, info: { status.information() }),
            maximumClients: settings.entropy.maximumClients)
        status.attach(entropy)
        do {
            let control = try VarlinkServer(
                listener: sockets.control, info: DaemonStatus.serviceInfo,
                interfaces: [ControlService(status)],
                maximumConnections: settings.control.maximumClients)
            return (entropy, control)
        } catch {
            entropy.stop()
            throw error
        }
    }

    private static func makeUnits(
        _ surroundings: BoardUnit.Surroundings, logger: Logger
    ) throws -> [BoardUnit] {
        var units: [BoardUnit] = []
        do {
            for board in surroundings.daemon.boards {
                units.append(try makeUnit(board, surroundings, logger: logger))
            }
        } catch {
            for unit in units { unit.pipeline.stop() }
            throw error
        }
        return units
    }

    private static func makeUnit(
        _ board: BoardSettings, _ surroundings: BoardUnit.Surroundings, logger: Logger
    ) throws -> BoardUnit {
        let policy = surroundings.daemon.rings.lockMemory
        do {
            return try BoardUnit(board, locked: policy != .never, surroundings: surroundings)
        } catch {
            guard policy == .ifPermitted else { throw StartError.memory(error, board: board.name) }
            logger.warning("board \(board.name): \(error); bits can reach swap")
            return try BoardUnit(board, locked: false, surroundings: surroundings)
        }
    }
}

/// As many descriptors as the system allows: each client takes one.
private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
