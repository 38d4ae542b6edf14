// SPDX-License-Identifier: Apache-2.0

package import EntropyRing
package import LinuxPlatform
package import Synchronization

/// The entropy plane: serves MEP/1 on a local socket, on one thread for all clients.
package final class EntropyServer: Sendable {
    /// What a server is made of.
    package struct Parts: Sendable {
        /// The socket; the server owns it from now on.
        package let listener: UnixListener
        package let sources: [EntropySource]
        /// The wake-up that the sources were made with.
        package let bitsArrived: Wakeup
        /// The JSON object that answers INFO: at most 4 KiB. Called on the server's thread.
        package let info: @Sendable () -> [UInt8]

        package init(
            listener: UnixListener, sources: [EntropySource], bitsArrived: Wakeup,
            info: @escaping @Sendable () -> [UInt8]
        ) {
            self.listener = listener
            self.sources = sources
            self.bitsArrived = bitsArrived
            self.info = info
        }
    }

    /// Who is connected now, by the tokens of their connections.
    let connected = Mutex<[UInt64: ServerClient]>([:])
    /// Connections that were refused because there were enough.
    package let clientsRefused = Atomic<Int>(0)
    /// How many clients there may be. Connections that are there stay when it is lowered.
    package let maximumClients: Atomic<Int>

    /// Of the server's thread.
    package let heartbeat = Heartbeat()

    private let stopRequested: Wakeup
    private let thread = Mutex<WorkerThread?>(nil)

    /// Starts serving.
    ///
    /// - Throws: when there is no descriptor or no thread to be had.
    package init(_ parts: Parts, maximumClients: Int) throws(SystemError) {
        self.maximumClients = Atomic(maximumClients)
        stopRequested = try Wakeup()
        // Made here, so that what fails is an error of this call; the thread's alone from then on.
        nonisolated(unsafe) let loop = try EntropyServerLoop(
            parts, server: self, stopRequested: stopRequested)
        let worker = try WorkerThread(name: "metrng-entropy") { loop.run() }
        thread.withLock { $0 = worker }
    }

    /// Who is connected now, in no order. Any thread.
    package var clients: [ServerClient] { connected.withLock { Array($0.values) } }

    /// Ends every connection and the thread. To be called once.
    package func stop() {
        stopRequested.signal()
        thread.withLock { worker in
            worker?.join()
            worker = nil
        }
    }
}
