// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import LinuxPlatform

/// The daemon's sockets, listening.
struct Sockets {
    let entropy: UnixListener
    let control: UnixListener

    init(_ settings: DaemonSettings) throws(StartError) {
        do {
            entropy = try UnixListener(
                path: "\(settings.runtimeDirectory)/entropy.sock",
                mode: settings.entropy.socketMode)
            control = try UnixListener(
                path: "\(settings.runtimeDirectory)/control.sock",
                mode: settings.control.socketMode)
        } catch {
            throw .socket(error)
        }
    }
}
