// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// The virtual host controller of Linux (vhci_hcd): devices that are plugged in here are, for the kernel and
/// everybody else, on a USB. Needs root and the module. For one thread.
package final class VirtualController: USBBus {
    private let folder: String

    /// - Parameter folder: of the controller in /sys.
    package init(folder: String = "/sys/devices/platform/vhci_hcd.0") throws(PortError) {
        guard access("\(folder)/attach", W_OK) == 0 else {
            throw PortError(
                "cannot write to \(folder)/attach; run as root, after modprobe vhci-hcd")
        }
        self.folder = folder
    }

    /// - Parameter place: is not used: the kernel gives the device a place.
    package func plug(
        _ function: any USBFunction, place: String
    ) throws(PortError) -> any USBPort {
        let speed = function.identity.speed
        do throws(SystemError) {
            for port in freePorts(speed) {
                let (ours, kernels) = try Self.socketPair()
                // The kernel takes the socket over. 0x10000 is device 0 of bus 1, as it would be far away.
                let order =
                    "\(port) \(kernels.raw) \(0x10000 + port) \(speed == .superSpeed ? 5 : 3)"
                do throws(SystemError) {
                    try write(order, to: "attach")
                } catch  where error.code == EBUSY {
                    // Somebody else was faster.
                    continue
                }
                return try VirtualPort(PluggedDevice(function), socket: ours) { [self] in
                    try? write("\(port)", to: "detach")
                }
            }
        } catch {
            throw PortError("\(error)")
        }
        throw PortError("no port of \(folder) is free")
    }

    /// The ports for a speed that have no device. A line of `status` is "hs 0000 004 …": the kind of
    /// port, its number, and 4 for one that is free.
    private func freePorts(_ speed: USBSpeed) -> [Int] {
        let kind = speed == .superSpeed ? "ss" : "hs"
        return read("status").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            let isFree = fields.count > 2 && fields[0] == kind && Int(fields[2]) == 4
            return isFree ? Int(fields[1]) : nil
        }
    }

    private static func socketPair() throws(SystemError) -> (Descriptor, Descriptor) {
        var pair: [Int32] = [-1, -1]
        try system("create a socket pair") {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &pair)
        }
        return (Descriptor(owning: pair[0]), Descriptor(owning: pair[1]))
    }

    private func write(_ text: String, to name: String) throws(SystemError) {
        let path = "\(folder)/\(name)"
        let file = Descriptor(
            owning: try system("open", path) { open(path, O_WRONLY | O_CLOEXEC) })
        try system("write \(text) to", path) { Glibc.write(file.raw, text, text.utf8.count) }
    }

    private func read(_ name: String) -> String {
        guard let file = fopen("\(folder)/\(name)", "re") else { return "" }
        defer { fclose(file) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = fread(buffer.baseAddress, 1, buffer.count, file)
            return String(decoding: buffer.prefix(count), as: UTF8.self)
        }
    }
}
