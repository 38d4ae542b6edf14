// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// The daemon itself.
package struct ServiceStatus: Codable, Sendable, Equatable {
    /// The most clients listed one by one, which bounds the size of a report.
    package static let reportedClients = 256

    package var version: String
    package var processId: Int
    /// Seconds since the Unix epoch.
    package var startTime: Double
    package var entropySocket: String
    package var controlSocket: String
    /// Nil when EGD is off.
    @Nullable package var egdSocket: String?
    /// Clients of the entropy plane, also those of EGD.
    package var clients: Int
    package var maximumClients: Int
    package var clientsRefused: Int
    /// The clients that drew most, in falling order; at most `reportedClients`.
    package var topClients: [ClientStatus]
    /// Whether bits are kept from swap.
    package var lockedMemory: Bool
    /// The keys of settings that a reload found changed and that need a restart.
    package var pendingChanges: [String]
    /// Nil when feeding the kernel's generator is not configured.
    @Nullable package var kernel: KernelFeedStatus?

    package init(
        version: String, processId: Int, startTime: Double, entropySocket: String,
        controlSocket: String, egdSocket: String? = nil, clients: Int, maximumClients: Int, clientsRefused: Int,
        topClients: [ClientStatus], lockedMemory: Bool, pendingChanges: [String] = [],
        kernel: KernelFeedStatus? = nil
    ) {
        self.version = version
        self.processId = processId
        self.startTime = startTime
        self.entropySocket = entropySocket
        self.controlSocket = controlSocket
        self.egdSocket = egdSocket
        self.clients = clients
        self.maximumClients = maximumClients
        self.clientsRefused = clientsRefused
        self.topClients = topClients
        self.lockedMemory = lockedMemory
        self.pendingChanges = pendingChanges
        self.kernel = kernel
    }
}
