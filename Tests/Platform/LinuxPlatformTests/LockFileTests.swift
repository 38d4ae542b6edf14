// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import TestSupport
import Testing

@Suite(
    "A lock file: one holder, files left behind, other users")
struct LockFileTests {
    @Test("The second is refused while the first holds it, and not after; nothing is left behind")
    func oneHolder() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("lock")
        do {
            let held = try LockFile(path: path)
            let refused = SystemError("lock", path, code: EWOULDBLOCK)
            #expect(throws: refused) { try LockFile(path: path) }
            withExtendedLifetime(held) {}
        }
        #expect(directory.entries.isEmpty)
        _ = try LockFile(path: path)
    }

    @Test("A file that a killed holder left behind is taken over")
    func leftBehind() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("lock")
        try system("create", path) { creat(path, 0o600) }
        _ = try LockFile(path: path)
        #expect(directory.entries.isEmpty)
    }

    @Test("Another user cannot take it, and so cannot keep it from its owner")
    func otherUsers() throws {
        let directory = TemporaryDirectory()
        chmod(directory.path, 0o755)
        let path = directory.file("lock")
        let held = try LockFile(path: path)
        let result = try asNobody { open(path, O_RDONLY) }
        #expect(result == -1)
        withExtendedLifetime(held) {}
    }
}
