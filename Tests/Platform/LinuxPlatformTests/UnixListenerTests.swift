// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import LinuxPlatform
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "Unix listener: sockets that exist (stale, live, hanging, no socket), directories that are missing or read-only, path length, permission bits, removal at the end"
)
struct UnixListenerTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("s") }

    init() throws { directory = TemporaryDirectory() }

    @Test("accepts connections, and says so when none waits")
    func accepts() throws {
        let listener = try UnixListener(path: path, mode: 0o600)
        #expect(try listener.accept() == nil)
        let client = try connectUnixSocket(path: path)
        let server = try #require(try listener.accept())
        #expect(try listener.accept() == nil)
        #expect(write(client.raw, "x", 1) == 1)
        var byte: UInt8 = 0
        #expect(read(server.raw, &byte, 1) == 1)
        #expect(byte == UInt8(ascii: "x"))
        #expect(read(server.raw, &byte, 1) == -1)
        #expect(errno == EAGAIN, "an accepted connection does not block")
    }

    @Test("replaces the socket that a dead program left behind")
    func replacesStale() throws {
        try leaveStaleSocket()
        let listener = try UnixListener(path: path, mode: 0o600)
        _ = try connectUnixSocket(path: path)
        #expect(try listener.accept() != nil)
    }

    @Test("refuses a socket that a program serves, and leaves it alone")
    func refusesLive() throws {
        let first = try UnixListener(path: path, mode: 0o600)
        #expect(throws: ListenError.live(path: path)) {
            try UnixListener(path: path, mode: 0o600)
        }
        // The question whether it lives is a connection as well.
        #expect(try first.accept() != nil)
        _ = try connectUnixSocket(path: path)
        #expect(try first.accept() != nil)
    }

    @Test("refuses a socket whose program hangs and accepts nothing, without waiting for it")
    func refusesHanging() throws {
        let first = try UnixListener(path: path, mode: 0o600, backlog: 0)
        var waiting: [Descriptor] = []
        while let next = try? connectUnixSocket(path: path, waits: false) { waiting.append(next) }
        #expect(!waiting.isEmpty)
        let path = path
        #expect(
            try finishes {
                #expect(throws: ListenError.live(path: path)) {
                    try UnixListener(path: path, mode: 0o600)
                }
            })
        #expect(try first.accept() != nil)
    }

    @Test("refuses a file that is no socket, and leaves it alone")
    func refusesFile() throws {
        let file = Descriptor(owning: creat(path, 0o600))
        #expect(write(file.raw, "kept", 4) == 4)
        #expect(throws: ListenError.notASocket(path: path)) {
            try UnixListener(path: path, mode: 0o600)
        }
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_size == 4)
    }

    @Test("refuses a symbolic link, even to a socket that could be replaced")
    func refusesLink() throws {
        try leaveStaleSocket()
        let link = directory.file("link")
        #expect(symlink(path, link) == 0)
        #expect(throws: ListenError.notASocket(path: link)) {
            try UnixListener(path: link, mode: 0o600)
        }
        #expect(directory.entries == ["link", "s"])
    }

    @Test("changes the mode of its own file only, when a link has taken its place")
    func followsNoLink() throws {
        let victim = Descriptor(owning: creat(path, 0o600))
        let link = directory.file("link")
        #expect(symlink(path, link) == 0)
        #expect(clinux_change_mode(link, 0o666) == -1)
        #expect(errno == EOPNOTSUPP)
        var status = stat()
        #expect(fstat(victim.raw, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(clinux_change_mode(path, 0o640) == 0)
        #expect(fstat(victim.raw, &status) == 0 && status.st_mode & 0o777 == 0o640)
    }

    @Test("names the directory's absence as the cause")
    func missingDirectory() throws {
        let path = directory.file("none/s")
        #expect(throws: ListenError.system(SystemError("listen on", path, code: ENOENT))) {
            try UnixListener(path: path, mode: 0o600)
        }
    }

    @Test("names a file in the place of the directory as the cause")
    func fileAsDirectory() throws {
        close(creat(path, 0o600))
        let inside = "\(path)/s"
        #expect(throws: ListenError.system(SystemError("listen on", inside, code: ENOTDIR))) {
            try UnixListener(path: inside, mode: 0o600)
        }
    }

    @Test("names the missing permission as the cause in a directory it may not write")
    func directoryWithoutPermission() async throws {
        try #require(chmod(directory.path, 0o555) == 0)
        await #expect(processExitsWith: .success) { [path = path as String] in
            becomeNobody()
            #expect(throws: ListenError.system(SystemError("listen on", path, code: EACCES))) {
                try UnixListener(path: path, mode: 0o600)
            }
        }
    }

    @Test("leaves a stale socket alone in a directory it may not write")
    func staleWithoutPermission() async throws {
        try leaveStaleSocket()
        try #require(chmod(path, 0o666) == 0 && chmod(directory.path, 0o555) == 0)
        await #expect(processExitsWith: .success) { [path = path as String] in
            becomeNobody()
            let refusal = SystemError("remove the dead socket", path, code: EACCES)
            #expect(throws: ListenError.system(refusal)) {
                try UnixListener(path: path, mode: 0o600)
            }
        }
        #expect(directory.entries == ["s"])
    }

    @Test("takes the longest path there can be, and refuses a longer one")
    func pathLength() throws {
        let limit = 107
        let room = limit - directory.path.utf8.count - 1
        let longest = directory.file(String(repeating: "n", count: room))
        let listener = try UnixListener(path: longest, mode: 0o600)
        #expect(listener.path == longest)
        let tooLong = longest + "n"
        #expect(throws: ListenError.pathTooLong(path: tooLong, limit: limit)) {
            try UnixListener(path: tooLong, mode: 0o600)
        }
    }

    @Test("removes the socket file at its end")
    func removesFile() throws {
        var listener: UnixListener? = try UnixListener(path: path, mode: 0o600)
        #expect(listener != nil && directory.entries == ["s"])
        listener = nil
        #expect(directory.entries == [])
    }

    @Test("does not remove the socket that somebody else put in the place of its own")
    func keepsForeignFile() throws {
        var listener: UnixListener? = try UnixListener(path: path, mode: 0o600)
        #expect(listener != nil && unlink(path) == 0)
        let other = try UnixListener(path: path, mode: 0o600)
        listener = nil
        #expect(directory.entries == ["s"])
        _ = try connectUnixSocket(path: path)
        #expect(try other.accept() != nil)
    }

    @Test(
        "gives the socket file its permission bits", arguments: [0o600, 0o660, 0o666] as [UInt32])
    func mode(_ mode: UInt32) throws {
        let listener = try UnixListener(path: path, mode: mode)
        var status = stat()
        #expect(lstat(listener.path, &status) == 0)
        #expect(status.st_mode & 0o7777 == mode)
    }

    @Test("says what to do about each refusal")
    func messages() {
        let long = ListenError.pathTooLong(path: "/p", limit: 107)
        let system = ListenError.system(SystemError("listen on", "/p", code: EACCES))
        #expect("\(ListenError.live(path: "/p"))".contains("another program is serving /p"))
        #expect("\(ListenError.notASocket(path: "/p"))".contains("/p exists and is not a socket"))
        #expect("\(long)".contains("107 bytes"))
        #expect("\(system)".contains("cannot listen on /p: Permission denied"))
        #expect("\(system)".contains("give this user write access to the directory"))
    }

    private func leaveStaleSocket() throws { try makeStaleSocket(at: path) }
}

/// Leaves the file of a socket that nobody listens on.
private func makeStaleSocket(at path: String) throws {
    let kept = path + ".kept"
    do {
        let listener = try UnixListener(path: path, mode: 0o600)
        // Its file is under another name when the listener goes, and so survives it.
        try #require(rename(listener.path, kept) == 0)
    }
    try #require(rename(kept, path) == 0)
}
