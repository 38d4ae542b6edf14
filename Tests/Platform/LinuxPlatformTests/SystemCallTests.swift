// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "System calls: retries, classification of transfers, closing, peer credentials, time")
struct SystemCallTests {
    @Test("are made again when a signal interrupted them")
    func retried() throws {
        var results: [(Int32, Int32)] = [(-1, EINTR), (-1, EINTR), (5, 0)]
        let result = try system("try") {
            let (result, code) = results.removeFirst()
            errno = code
            return result
        }
        #expect(result == 5)
        #expect(results.isEmpty)
    }

    @Test("fail with what was tried, on what, and why")
    func fail() {
        let error = SystemError("open", "/x", code: ENOENT)
        #expect(throws: error) {
            try system("open", "/x") {
                errno = ENOENT
                return Int32(-1)
            }
        }
        #expect("\(error)" == "cannot open /x: No such file or directory")
        #expect("\(SystemError("poll", code: EINVAL))" == "cannot poll: Invalid argument")
    }

    @Test(
        "that fail for their place say what to do about it",
        arguments: [
            (ENOENT, "create the directory"),
            (EACCES, "give this user write access to the directory"),
            (EROFS, "make it writable: mount -o remount,rw, or ReadWritePaths= of the unit"),
            (ENOSPC, "free space on its file system"), (EDQUOT, "free space on its file system"),
            (EMFILE, nil), (EINVAL, nil),
        ] as [(Int32, String?)])
    func places(code: Int32, remedy: String?) {
        #expect(SystemError("create", "/x", code: code).placeRemedy == remedy)
    }

    @Test(
        "that transfer bytes come to one of three ends",
        arguments: [
            (7, 0, Transfer.moved(7)), (0, 0, .ended), (-1, EAGAIN, .wouldBlock),
            (-1, EPIPE, .ended), (-1, ECONNRESET, .ended),
        ] as [(Int, Int32, Transfer)])
    func transfers(result: Int, code: Int32, expected: Transfer) {
        var isFirst = true
        let outcome = transfer {
            defer { isFirst = false }
            errno = isFirst ? EINTR : code
            return isFirst ? -1 : result
        }
        #expect(outcome == expected)
    }

    @Test("close a descriptor when its last owner lets go of it")
    func closes() throws {
        let (near, far) = (try Wakeup(), try Wakeup())
        var ends: [Int32] = [-1, -1]
        try system("make a pipe") { pipe(&ends) }
        let reader = Descriptor(owning: ends[0])
        var writer: Descriptor? = Descriptor(owning: ends[1])
        #expect(writer?.raw == ends[1])
        writer = nil
        var byte: UInt8 = 0
        #expect(read(reader.raw, &byte, 1) == 0, "the end of the file: nobody can write")
        withExtendedLifetime((near, far)) {}
    }

    @Test("tell who is connected")
    func credentials() throws {
        let directory = TemporaryDirectory()
        let listener = try UnixListener(path: directory.file("s"), mode: 0o600)
        let client = try connectUnixSocket(path: listener.path)
        let server = try #require(try listener.accept())
        var groups = [gid_t](repeating: 0, count: 65536)
        let count = Int(try system("ask for groups") { getgroups(65536, &groups) })
        let own = PeerCredentials(
            processID: getpid(), userID: getuid(), groupID: getgid(),
            supplementaryGroups: Array(groups[..<count]))
        #expect(own.isInGroup(getgid()))
        #expect(!own.isInGroup(54321))
        #expect(try PeerCredentials(of: server) == own)
        withExtendedLifetime(client) {}
    }

    @Test("never see time go back")
    func time() {
        var last = monotonicNanoseconds()
        for _ in 0..<10_000 {
            let now = monotonicNanoseconds()
            #expect(now >= last)
            last = now
        }
    }
}
