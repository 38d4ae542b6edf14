// SPDX-License-Identifier: Apache-2.0

import CTestSupport
package import Glibc
package import LinuxPlatform

/// A terminal without a device: what is written to one end is read at the other. The test is the device.
package final class PseudoTerminal: Sendable {
    /// The device's end. It does not wait.
    package let device: Descriptor
    /// The path of the terminal.
    package let path: String

    package init() throws(SystemError) {
        var name = [CChar](repeating: 0, count: 64)
        device = Descriptor(
            owning: try system("open a terminal") { ctestsupport_open_terminal(&name, name.count) })
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The settings of the terminal.
    package var settings: termios {
        var settings = termios()
        tcgetattr(device.raw, &settings)
        return settings
    }

    /// Sends bytes from the device, and waits until the terminal has taken them.
    package func send(_ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            var request = pollfd(fd: device.raw, events: Int16(POLLOUT), revents: 0)
            try system("wait for a terminal") { poll(&request, 1, patience) }
            guard request.revents & Int16(POLLOUT) != 0 else { throw SystemError("send to", path, code: ETIMEDOUT) }
            let count = try system("send to", path) {
                rest.withUnsafeBytes { write(device.raw, $0.baseAddress, min($0.count, 1024)) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// What the terminal has sent to the device until now.
    package func received() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(device.raw, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }
}
