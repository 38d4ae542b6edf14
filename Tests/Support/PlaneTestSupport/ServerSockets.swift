// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// The connections that a server in this process has accepted on a socket path.
///
/// They are the server's, so that they may be gone at any moment: what is done to them here does no
/// harm to another descriptor of the same number.
package struct ServerSockets {
    private let path: String

    package init(path: String) { self.path = path }

    /// How many there are.
    package var count: Int { descriptors.count }

    /// Makes their send buffers as small as the kernel allows, so that most of what is sent is taken
    /// in part only.
    package func shrinkSendBuffers() {
        for descriptor in descriptors {
            var size: Int32 = 1
            setsockopt(
                descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    package var descriptors: [Int32] {
        guard let directory = opendir("/proc/self/fd") else { return [] }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let descriptor = Int32(name), isAccepted(descriptor) { found.append(descriptor) }
        }
        return found
    }

    private func isAccepted(_ descriptor: Int32) -> Bool {
        var address = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutableBytes(of: &address) { bytes in
            bytes.baseAddress.map {
                getsockname(descriptor, $0.assumingMemoryBound(to: sockaddr.self), &size)
            }
        }
        guard result == 0, address.sun_family == sa_family_t(AF_UNIX) else { return false }
        let name = withUnsafeBytes(of: &address.sun_path) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard name == path else { return false }
        var isListening: Int32 = 0
        var optionSize = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &optionSize)
        return isListening == 0
    }
}
