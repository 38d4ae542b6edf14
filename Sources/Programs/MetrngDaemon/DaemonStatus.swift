// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import DaemonConfiguration
import EntropyRing
import EntropyServer
import EntropyTerms
import FoundationEssentials
import Glibc
import KernelFeeding
import LinuxPlatform
import Synchronization
import Varlink

/// What the control plane tells of the daemon: snapshots of counters, which disturb nothing. Any thread.
final class DaemonStatus: ControlProvider {
    static let serviceInfo = VarlinkServiceInfo(
        vendor: "metrng", product: "metrngd", version: metrngVersion,
        url: "")

    let units: [BoardUnit]
    private let clock: Clock
    private let startTime: Double
    let entropyPath: String
    private let controlPath: String
    private let egdPath: String?
    private let entropy = Mutex<EntropyServer?>(nil)
    private let feeder = Mutex<KernelFeeder?>(nil)
    private let loaded: Mutex<LoadedConfiguration>
    private let pendingChanges = Mutex<[String]>([])

    init(
        configuration: LoadedConfiguration, units: [BoardUnit], sockets: Sockets,
        clock: Clock = .system
    ) {
        loaded = Mutex(configuration)
        self.units = units
        self.clock = clock
        startTime = clock.secondsSinceEpoch()
        entropyPath = sockets.entropy.path
        controlPath = sockets.control.path
        egdPath = sockets.egd?.path
    }

    /// Sets the server whose clients are reported.
    func attach(_ server: EntropyServer) { entropy.withLock { $0 = server } }

    /// Sets the part that feeds the kernel's generator.
    func attach(_ kernelFeeder: KernelFeeder) { feeder.withLock { $0 = kernelFeeder } }

    /// The configuration in force.
    var current: LoadedConfiguration { loaded.withLock { $0 } }

    /// Takes over the settings that can change while the daemon runs, and remembers which could not.
    ///
    /// - Parameter changes: what differs in it.
    func adoptLive(_ new: LoadedConfiguration, changes: [SettingChange]) {
        pendingChanges.withLock { $0 = changes.filter { !$0.appliesLive }.map(\.key) }
        loaded.withLock { $0 = $0.adoptingLive(new) }
    }

    // MARK: ControlProvider

    func name(ofBoard asked: String?) throws(ControlError) -> String {
        try units.meant(by: asked).name
    }

    func status(board: String? = nil) -> StatusReport {
        let reported = board.map { name in units.filter { $0.name == name } } ?? units
        return StatusReport(service: service(), boards: reported.map { $0.status() })
    }

    func boards() -> [BoardSummary] { units.map { $0.summary() } }

    func health(board: String) -> BoardHealth? {
        units.first { $0.name == board }?.health()
    }

    func configuration() -> ConfigurationReport {
        let current = self.current
        return ConfigurationReport(files: current.files, yaml: current.settings.yaml)
    }

    /// How many clients may draw bits now.
    private var maximumClients: Int {
        entropy.withLock { $0?.maximumClients ?? 0 }
    }

    private func service() -> ServiceStatus {
        let server = entropy.withLock { $0 }
        let clients = server?.clients ?? []
        return ServiceStatus(
            version: metrngVersion, processId: Int(getpid()), startTime: startTime,
            entropySocket: entropyPath, controlSocket: controlPath, egdSocket: egdPath,
            clients: clients.count,
            maximumClients: maximumClients,
            clientsRefused: server?.clientsRefused ?? 0,
            topClients: topClients(clients),
            lockedMemory: units.allSatisfy { $0.source.channels.allSatisfy(\.ring.isLocked) },
            pendingChanges: pendingChanges.withLock { $0 },
            kernel: feeder.withLock { $0?.status })
    }

    private func topClients(_ clients: [ClientAccount]) -> [ClientStatus] {
        let (now, sinceBoot) = (clock.monotonicNanoseconds(), clock.secondsSinceBoot())
        return clients.map { (client: $0, delivered: $0.delivered.load(ordering: .relaxed)) }
            .sorted { ($1.delivered, $0.client.since) < ($0.delivered, $1.client.since) }
            .prefix(ServiceStatus.reportedClients)
            .map { client, delivered in
                ClientStatus(
                    processId: Int(client.processID), userId: Int(client.userID),
                    name: client.name,
                    since: client.since, age: max(0, sinceBoot - client.sinceBoot),
                    deliveredBytes: delivered,
                    deliveredBytesPerSecond: client.deliveredPerSecond.value(now: now))
            }
    }

    // MARK: INFO of the entropy plane

    /// The JSON object that answers INFO.
    func information() -> [UInt8] {
        let provenances = Set(units.map(\.source.provenance)).sorted { $0.rawValue < $1.rawValue }
        let information = ServerInformation(
            server: "metrngd", version: metrngVersion, maximumReadLength: 1_048_576,
            maximumClients: maximumClients,
            grades: [Grade.raw.name, Grade.full.name], provenances: provenances.map(\.name),
            boards: units.map(\.settings.name), operations: ["read", "info", "name"],
            flags: ["nonblock", "genuine"])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(information) else {
            preconditionFailure("strings and numbers can be encoded")
        }
        return Array(json)
    }
}

/// What INFO tells.
private struct ServerInformation: Encodable {
    let server: String
    let version: String
    let maximumReadLength: Int
    let maximumClients: Int
    let grades: [String]
    let provenances: [String]
    let boards: [String]
    let operations: [String]
    let flags: [String]
}
