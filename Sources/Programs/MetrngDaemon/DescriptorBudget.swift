// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Glibc

/// The limit of open files of this process, and how many clients fit in it.
struct DescriptorBudget {
    /// The descriptors of everything but boards and clients, with a reload of the configuration.
    private static let fixed = 27
    /// A wake-up, both ends of a connection, and the kernel's device.
    private static let kernelFeed = 4
    /// The socket and a wake-up.
    private static let egd = 2
    /// A board on the USB has descriptors of libusb; the others wait for one thing or two.
    private static func count(_ board: BoardSettings) -> Int { board.kind == .usb ? 12 : 3 }

    let limit: Int

    /// The descriptors that a daemon needs with one client on each of its sockets.
    static func least(_ settings: DaemonSettings) -> Int {
        let egd = settings.egd.serve ? egd + settings.egd.maximumClients : 0
        return settings.boards.reduce(fixed + 2 + egd + (settings.kernel.feed ? kernelFeed : 0)) {
            $0 + count($1)
        }
    }

    /// Raises the limit as far as the system allows: each client takes a descriptor.
    init() {
        var limits = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limits) == 0 else {
            limit = 1024
            return
        }
        let before = limits.rlim_cur
        limits.rlim_cur = limits.rlim_max
        limit = Int(clamping: setrlimit(resource, &limits) == 0 ? limits.rlim_cur : before)
    }

    /// The limit of entropy clients: the configured one, reduced if the rest of the daemon, above all the
    /// control plane, needs the descriptors; at least one.
    func entropyClients(_ settings: DaemonSettings) -> Int {
        // A client of the control plane may hand over a file.
        let others = Self.least(settings) + 2 * settings.control.maximumClients
        return min(settings.entropy.maximumClients, max(limit - others, 1))
    }
}
