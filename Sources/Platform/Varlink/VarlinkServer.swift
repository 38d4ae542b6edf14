// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform

/// A Varlink service on a local socket, on one thread of its own.
///
/// A client that does not read is not read from, and one that says nothing holds a place only until
/// somebody else needs it. Every member may be called from any thread, but not from a handler.
package final class VarlinkServer: Sendable {
    package static let defaultMaximumConnections = 32
    /// In bytes.
    package static let defaultRequestLimit = 65_536

    private let control: LocalServerControl
    private let thread: LocalServerThread

    /// Starts serving. The socket file is removed by the time `stop` returns, if nobody else holds
    /// the listener.
    ///
    /// - Parameters:
    ///   - maximumConnections: when one more connects, the one that has been idle for longest is
    ///     closed, or the new one when none is idle.
    ///   - requestLimit: the longest message of a client, in bytes. A longer one closes the
    ///     connection.
    ///   - clock: when replies are due, and which connections have been idle for longest.
    package init(
        listener: UnixListener, info: VarlinkServiceInfo, interfaces: [any VarlinkInterface],
        maximumConnections: Int = defaultMaximumConnections,
        requestLimit: Int = defaultRequestLimit, clock: Clock = .system
    ) throws(SystemError) {
        control = try LocalServerControl(maximumConnections: maximumConnections)
        let loop = try VarlinkLoop(
            control: control, listener: listener, service: VarlinkService(info, interfaces),
            requestLimit: requestLimit, clock: clock)
        thread = try LocalServerThread(name: "varlink", control) { loop.turn() }
    }

    deinit { stop() }

    /// The heartbeat of the server's thread.
    package var heartbeat: Heartbeat { control.heartbeat }

    /// Changes how many clients may be connected; idle ones beyond that are closed, busy ones
    /// when they have become idle.
    package func setMaximumConnections(_ count: Int) { control.setMaximumConnections(count) }

    /// Closes every connection and waits until the thread has ended: at most as long as the handler
    /// that runs takes. Further calls do nothing.
    package func stop() { thread.stop() }
}
