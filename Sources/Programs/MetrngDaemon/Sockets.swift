// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import LinuxPlatform
import SystemdSupport

/// The daemon's sockets, listening: those that the service manager passes, or its own.
struct Sockets {
    let entropy: UnixListener
    let control: UnixListener
    /// The socket of EGD, which the daemon makes itself; nil when it is off.
    let egd: UnixListener?

    /// Before there is any other thread.
    init(_ settings: DaemonSettings) throws(StartError) {
        var passed: PassedSockets
        do {
            passed = try PassedSockets(known: ["entropy", "control"])
        } catch {
            throw .passedSocket(error)
        }
        let directory = settings.runtimeDirectory
        do {
            entropy = try Self.listener("entropy", settings.entropy.socketMode, directory, &passed)
            control = try Self.listener("control", settings.control.socketMode, directory, &passed)
            egd =
                settings.egd.serve
                ? try UnixListener(path: "\(directory)/egd.sock", mode: settings.egd.socketMode) : nil
        } catch {
            throw .socket(error)
        }
    }

    private static func listener(
        _ name: String, _ mode: UInt32, _ directory: String, _ passed: inout PassedSockets
    ) throws(ListenError) -> UnixListener {
        if let socket = passed.take(name) { return try UnixListener(adopting: socket, name: name) }
        return try UnixListener(path: "\(directory)/\(name).sock", mode: mode)
    }
}
