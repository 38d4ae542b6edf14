// SPDX-License-Identifier: Apache-2.0

package import EntropyRing
package import LinuxPlatform
import Synchronization

/// The entropy plane: serves MEP/1 on a local socket, and EGD on another if wanted, on one thread for all clients. Any
/// thread may call any member.
package final class EntropyServer: Sendable {
    /// What a server is made of.
    package struct Parts: Sendable {
        /// The socket; the server owns it from now on.
        package let listener: UnixListener
        package let sources: [EntropySource]
        /// The wake-up that the sources were made with.
        package let bitsArrived: Wakeup
        package let clock: Clock
        package let calls: SocketCalls
        /// The JSON object that answers INFO: at most 4 KiB. Called on the server's thread.
        package let info: @Sendable () -> [UInt8]
        /// The socket of EGD; nil for none.
        package let egd: EGD?

        package init(
            listener: UnixListener, sources: [EntropySource], bitsArrived: Wakeup,
            clock: Clock = .system, calls: SocketCalls = .system, egd: EGD? = nil,
            info: @escaping @Sendable () -> [UInt8]
        ) {
            self.egd = egd
            self.listener = listener
            self.sources = sources
            self.bitsArrived = bitsArrived
            self.clock = clock
            self.calls = calls
            self.info = info
        }
    }

    /// How EGD is served.
    package struct EGD: Sendable {
        /// The socket; the server owns it from now on.
        package let listener: UnixListener
        package let maximumClients: Int
        /// Whether clients get simulated and replayed bits, which the protocol cannot say.
        package let allowsSimulated: Bool
        /// The process number that clients are told.
        package let processID: Int32

        package init(listener: UnixListener, maximumClients: Int, allowsSimulated: Bool, processID: Int32) {
            self.listener = listener
            self.maximumClients = maximumClients
            self.allowsSimulated = allowsSimulated
            self.processID = processID
        }
    }

    private let control: LocalServerControl
    private let accounts: AccountBook
    private let thread: LocalServerThread

    /// Starts serving.
    ///
    /// - Throws: when there is no descriptor or no thread to be had.
    package init(_ parts: Parts, maximumClients: Int) throws(SystemError) {
        // Made here, so that what fails is an error of this call; the thread's alone from then on.
        nonisolated(unsafe) let loop = try EntropyServerLoop(parts, maximumClients: maximumClients)
        control = loop.control
        accounts = loop.dispenser.accounts
        thread = try LocalServerThread(name: "metrng-entropy", control) { loop.turn() }
    }

    /// The accounts of the clients that are connected now, in no order.
    package var clients: [ClientAccount] { accounts.open }

    /// How many connections were closed because there were as many as there may be.
    package var clientsRefused: Int { control.refused.load(ordering: .relaxed) }

    /// How many clients there may be. Connections that are there stay when it is lowered.
    package var maximumClients: Int {
        get { control.maximumConnections.load(ordering: .relaxed) }
        set { control.setMaximumConnections(newValue) }
    }

    /// The heartbeat of the server's thread.
    package var heartbeat: Heartbeat { control.heartbeat }

    /// Ends every connection and the thread, and waits for that. Further calls do nothing.
    package func stop() { thread.stop() }
}
