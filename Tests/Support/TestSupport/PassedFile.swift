// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform

/// A file with a name of its own, of which can be told how often this process holds it open: other
/// tests that run at the same time open and close what they like.
package final class PassedFile: Sendable {
    private let directory = TemporaryDirectory()
    package let descriptor: Descriptor

    package var path: String { directory.file("passed") }

    package init() throws(SystemError) {
        let path = directory.file("passed")
        descriptor = Descriptor(
            owning: try system("create", path) { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) })
    }

    /// How many descriptors of this process are of the file.
    package var openCount: Int {
        (0..<1_024).count { number in
            var target = [CChar](repeating: 0, count: 256)
            let count = readlink("/proc/self/fd/\(number)", &target, target.count)
            guard count > 0 else { return false }
            let bytes = target[..<count].map(UInt8.init(bitPattern:))
            return String(decoding: bytes, as: UTF8.self) == path
        }
    }
}
