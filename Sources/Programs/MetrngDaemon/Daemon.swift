// SPDX-License-Identifier: Apache-2.0

import Conditioning
import ControlInterface
import DaemonConfiguration
import EntropyPipeline
import EntropyRing
import EntropyServer
import Glibc
import KernelFeeding
import LinuxPlatform
import Logging
import Synchronization
import SystemdSupport
import Varlink

/// Everything that runs, and the main thread's loop: signals, and what the pipelines report.
final class Daemon {
    private let logger = DaemonLog.logger
    private let load: () throws(ConfigurationError) -> LoadedConfiguration
    private let shared: DaemonStatus
    private let signals: SignalQueue
    private let events: EventQueue
    private let reloads: ReloadRequests
    private let poll: EventPoll
    private let descriptors: DescriptorBudget
    private var eventLog: EventLog
    private var manager = ServiceManager()
    /// Nil without a watchdog.
    private var watchdog: Watchdog?
    private let entropy: EntropyServer
    private let control: VarlinkServer
    private let kernelFeed: KernelFeedThread?
    // Held for as long as the daemon runs.
    private let lock: LockFile

    /// Starts everything; the sockets answer when this returns.
    ///
    /// Call it on the main thread, before there is any other.
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
        descriptors = try Self.descriptors(settings)
        signals = try SignalQueue([SIGTERM, SIGINT, SIGHUP])
        events = try EventQueue()
        reloads = ReloadRequests(wakeup: events.wakeup)
        poll = try Self.watch(signals, events)
        lock = try Self.lock(settings.runtimeDirectory)
        let sockets = try Sockets(settings)
        let bitsArrived = try Wakeup()
        let units = try Self.makeUnits(
            BoardUnit.Dependencies(daemon: settings, bitsArrived: bitsArrived, events: events),
            logger: logger)
        shared = DaemonStatus(configuration: loaded, units: units, sockets: sockets)
        eventLog = EventLog(logger) { [units] in units.logged($0) }
        do {
            (entropy, control) = try Self.serve(
                shared, reloads, on: sockets, bitsArrived: bitsArrived, settings: settings,
                maximumClients: descriptors.entropyClients(settings))
            do {
                kernelFeed = try Self.feedKernel(shared, settings, logger: logger)
            } catch {
                control.stop()
                entropy.stop()
                throw error
            }
        } catch {
            for unit in units { unit.pipeline.stop() }
            throw error
        }
    }

    /// Runs until SIGTERM or SIGINT, and ends everything.
    func run() {
        let configuration = shared.current
        let files = configuration.files.isEmpty ? ["built-in values"] : configuration.files
        logger.log(
            .started, .info,
            "started, version \(metrngVersion), configuration: \(files.joined(separator: ", "))")
        if configuration.settings.boards.isEmpty {
            logger.warning("no board is configured, nothing is served; see boards in metrngd.yaml")
        }
        warnOfFewDescriptors()
        if let danger = RuntimeDirectoryDanger(configuration.settings.runtimeDirectory) { logger.warning("\(danger)") }
        if let lack = BoardOperator.lackOfAdministrators { logger.info("\(lack)") }
        manager.tellReady(status: statusLine(shared.status()))
        watchdog = Watchdog.timeout.map { Watchdog(timeout: $0, threads: threads) }
        loop()
        manager.tellStopping()
        stop()
        logger.log(.stopped, .info, "stopped")
        DaemonLog.finish()
    }

    // MARK: The loop

    private func loop() {
        while true {
            let now = monotonicNanoseconds()
            let waits = [
                watchdog?.wait(now: now), eventLog.wait(now: now), DaemonLog.flush(),
                manager.flush(),
            ]
            _ = poll.wait(milliseconds: waits.compactMap { $0 }.min())
            tellWatchdog()
            writeEvents()
            let requests = reloads.takeAll()
            if !requests.isEmpty {
                let outcome = reload()
                for request in requests { request.finish(outcome) }
            }
            while let signal = signals.next() {
                guard signal == SIGHUP else { return }
                _ = reload()
            }
        }
    }

    private var threads: [(name: String, heartbeat: Heartbeat)] {
        shared.units.map { ("board \($0.settings.name)", $0.pipeline.heartbeat) }
            + [("entropy.sock", entropy.heartbeat), ("control.sock", control.heartbeat)]
            + (kernelFeed.map { [("kernel feeding", $0.heartbeat)] } ?? [])
    }

    private func tellWatchdog() {
        switch watchdog?.look(now: monotonicNanoseconds()) {
        case nil, .notDue: break
        case .alive:
            manager.tellAlive()
            // Clients come and go without an event.
            manager.tell(status: statusLine(shared.status()))
        case .stopped(let names):
            logger.log(
                .threadStopped, .error,
                """
                the thread of \(names.joined(separator: ", of ")) makes no progress: the service \
                manager is no longer notified, and will restart metrngd
                """)
        }
    }

    private func writeEvents() {
        let now = monotonicNanoseconds()
        let (entries, lost) = events.takeAll()
        for entry in entries { eventLog.write(entry.event, of: entry.board, now: now) }
        eventLog.writeLoss(lost, now: now)
        eventLog.writeSums(now: now)
        if entries.contains(where: { !$0.event.isFrequent }) {
            manager.tell(status: statusLine(shared.status()))
        }
    }

    /// Applies the settings that can change at run time, and reports those that need a restart.
    private func reload() -> Result<ReloadReport, ConfigurationRefusal> {
        manager.tellReloading()
        defer { manager.tellReady(status: statusLine(shared.status())) }
        do {
            let new = try load()
            let changes = shared.current.settings.changes(to: new.settings)
            write(changes)
            apply(new, changes)
            return .success(ReloadReport(changes: changes.map(ConfigurationChange.init)))
        } catch {
            logger.log(
                .configurationRefused, .error,
                "the configuration is wrong and was not applied: \(error)")
            return .failure(ConfigurationRefusal(problems: error.problems.map(\.description)))
        }
    }

    private func write(_ changes: [SettingChange]) {
        for change in changes where !change.appliesLive {
            logger.warning(
                "\(change.key) is still \(change.old): \(change.new) needs a restart")
        }
        for change in changes where change.appliesLive {
            logger.info("\(change.key) is now \(change.new), was \(change.old)")
        }
        let pending = changes.count { !$0.appliesLive }
        logger.log(
            .configurationTaken, .info,
            """
            read the configuration again: \(changes.count - pending) of \(changes.count) changes \
            applied\(pending > 0 ? ", the others need a restart" : "")
            """)
    }

    private func apply(_ new: LoadedConfiguration, _ changes: [SettingChange]) {
        logThreshold.store(new.settings.log.level.loggerLevel.severity, ordering: .relaxed)
        entropy.maximumClients = descriptors.entropyClients(new.settings)
        control.setMaximumConnections(new.settings.control.maximumClients)
        shared.adoptLive(new, changes: changes)
        warnOfFewDescriptors()
    }

    private func warnOfFewDescriptors() {
        let wanted = shared.current.settings.entropy.maximumClients
        let room = entropy.maximumClients
        guard room < wanted else { return }
        logger.warning(
            """
            entropy.maximumClients is \(wanted), but the limit of \(descriptors.limit) open files \
            leaves room for \(room): raise it (LimitNOFILE= of the unit, or ulimit -n)
            """)
    }

    /// No part can hold up another for long: each ends its own waits.
    private func stop() {
        kernelFeed?.stop()
        control.stop()
        entropy.stop()
        for unit in shared.units { unit.pipeline.stop() }
        writeEvents()
    }

    // MARK: Starting

    /// In bytes: a fault in all 4,096 lanes of the largest board takes up to 19,586. The time it takes to read a call that is
    /// made to be slow, while every other client waits, grows with its length.
    private static let controlRequestLimit = 20_480

    private static func descriptors(_ settings: DaemonSettings) throws(StartError)
        -> DescriptorBudget
    {
        let budget = DescriptorBudget()
        let needed = DescriptorBudget.least(settings)
        guard budget.limit >= needed else {
            throw .fewDescriptors(limit: budget.limit, needed: needed)
        }
        return budget
    }

    /// A poll that ends a wait when a signal or an event is there.
    private static func watch(
        _ signals: SignalQueue, _ events: EventQueue
    ) throws(SystemError) -> EventPoll {
        let poll = try EventPoll()
        try poll.add(signals.descriptor, .readable, token: 0)
        try poll.add(events.wakeup.descriptor, .readable, token: 1)
        return poll
    }

    private static func lock(_ directory: String) throws(StartError) -> LockFile {
        do {
            return try LockFile(path: "\(directory)/metrngd.lock")
        } catch {
            throw error.code == EWOULDBLOCK ? .directoryInUse(directory) : .directory(error)
        }
    }

    private static func serve(
        _ status: DaemonStatus, _ reloads: ReloadRequests, on sockets: Sockets,
        bitsArrived: Wakeup, settings: DaemonSettings, maximumClients: Int
    ) throws(SystemError) -> (EntropyServer, VarlinkServer) {
        let entropy = try EntropyServer(
            EntropyServer.Parts(
                listener: sockets.entropy, sources: status.units.map(\.source),
                bitsArrived: bitsArrived, egd: sockets.egd.map { EntropyServer.EGD(on: $0, settings.egd) },
                info: { status.information() }),
            maximumClients: maximumClients)
        status.attach(entropy)
        do {
            let control = try VarlinkServer(
                listener: sockets.control, info: DaemonStatus.serviceInfo,
                interfaces: [
                    ControlService(
                        status, BoardOperator(units: status.units, reloads: reloads),
                        maximumConnections: { status.current.settings.control.maximumClients })
                ],
                maximumConnections: settings.control.maximumClients,
                requestLimit: Self.controlRequestLimit)
            return (entropy, control)
        } catch {
            entropy.stop()
            throw error
        }
    }

    private static func makeUnits(
        _ dependencies: BoardUnit.Dependencies, logger: Logger
    ) throws -> [BoardUnit] {
        var units: [BoardUnit] = []
        do {
            for board in dependencies.daemon.boards {
                units.append(try makeUnit(board, dependencies, logger: logger))
            }
        } catch {
            for unit in units { unit.pipeline.stop() }
            throw error
        }
        return units
    }

    private static func makeUnit(
        _ board: BoardSettings, _ dependencies: BoardUnit.Dependencies, logger: Logger
    ) throws -> BoardUnit {
        let policy = dependencies.daemon.rings.lockMemory
        do {
            return try BoardUnit(board, locked: policy != .never, dependencies)
        } catch {
            guard error.isAboutLockedMemory else {
                throw StartError.board(error, board: board.name)
            }
            guard policy == .ifPermitted else { throw StartError.memory(error, board: board.name) }
            logger.log(
                .memoryNotLocked, .warning,
                "board \(board.name): \(error); bits can reach swap",
                [JournalField.board: "\(board.name)"])
            return try BoardUnit(board, locked: false, dependencies)
        }
    }
}

extension EntropyServer.EGD {
    fileprivate init(on listener: UnixListener, _ settings: EGDSettings) {
        self.init(
            listener: listener, maximumClients: settings.maximumClients, allowsSimulated: settings.allowSimulated,
            processID: getpid())
    }
}

extension [BoardUnit] {
    /// What the log has to know of a board.
    fileprivate func logged(_ name: String) -> EventLog.Board? {
        first { $0.settings.name == name }.map { unit in
            EventLog.Board(
                kind: unit.settings.kind, healthEpoch: unit.source.healthEpoch.load(ordering: .relaxed))
        }
    }
}
