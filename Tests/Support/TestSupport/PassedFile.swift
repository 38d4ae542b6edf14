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
        descriptorNumbers().count { number in
            var target = [CChar](repeating: 0, count: 256)
            let count = readlink("/proc/self/fd/\(number)", &target, target.count)
            guard count > 0 else { return false }
            let bytes = target[..<count].map(UInt8.init(bitPattern:))
            return String(decoding: bytes, as: UTF8.self) == path
        }
    }

    /// All that are open, however many other tests have opened meanwhile.
    private func descriptorNumbers() -> [Int32] {
        guard let folder = opendir("/proc/self/fd") else { return [] }
        defer { closedir(folder) }
        var numbers: [Int32] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = Int32(name) { numbers.append(number) }
        }
        return numbers
    }
}
