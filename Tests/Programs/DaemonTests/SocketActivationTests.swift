// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import LinuxPlatform
import Synchronization
import TestSupport
import Testing

/// A daemon that is started as a service manager does it: with descriptors from 3 on, and their names.
private final class ActivatedDaemon {
    private let process: pid_t
    private let log: String

    /// - Parameters:
    ///   - sockets: what is passed, with names that need not be right.
    ///   - options: of the daemon.
    init(
        _ directory: SocketDirectory, _ sockets: [(name: String, descriptor: Descriptor)],
        options: [String] = ["--simulated"]
    ) throws {
        log = "\(directory.path)/log"
        let names = sockets.map(\.name).joined(separator: ":")
        // Only the process itself knows its number.
        let words =
            [
                "/bin/sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh", "\(buildDirectory)/metrngd",
                "--runtime-directory", directory.path,
            ] + options
        let environment = ["LISTEN_FDS=\(sockets.count)", "LISTEN_FDNAMES=\(names)"]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            // Open until the process has them.
            extendLifetime(sockets)
        }
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        for (index, socket) in sockets.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, socket.descriptor.raw, 103 + Int32(index))
        }
        for index in sockets.indices {
            posix_spawn_file_actions_adddup2(&actions, 103 + Int32(index), 3 + Int32(index))
            posix_spawn_file_actions_addclose(&actions, 103 + Int32(index))
        }
        var process = pid_t()
        let failure = withCStrings(words) { words in
            withCStrings(environment) { posix_spawn(&process, "/bin/sh", &actions, nil, words, $0) }
        }
        try #require(failure == 0)
        self.process = process
    }

    var logText: String { textOfFile(log) }

    /// Waits until it answers.
    func isStarted() -> Bool { eventually { logText.contains("started, version") } }

    /// - Returns: its exit status; nil when it died of the signal.
    func end(_ signal: Int32? = nil) -> Int32? {
        if let signal { kill(process, signal) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status & 0x7f == 0 ? status >> 8 & 0xff : nil
    }
}

private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}

/// Draws bits, and keeps every block of them.
private final class Client: Sendable {
    let count = Atomic(0)
    let blocks = Mutex<Set<[UInt8]>>([])

    func read(_ wanted: Int, from path: String) {
        guard let connection = try? EntropyConnection(path: path, allowsSimulated: true) else {
            return
        }
        while count.load(ordering: .relaxed) < wanted,
            let bytes = try? connection.read(count: 65_536)
        {
            blocks.withLock { blocks in
                for start in stride(from: 0, to: bytes.count, by: 32) {
                    blocks.insert(Array(bytes[start..<start + 32]))
                }
            }
            count.add(bytes.count, ordering: .relaxed)
        }
    }
}

@Suite(
    "Sockets that the service manager passes: by name, one of two, wrong ones; they outlive the daemon"
)
struct SocketActivationTests {
    private let directory = SocketDirectory()

    private func path(_ name: String) -> String { "\(directory.path)/passed-\(name)" }

    private func listener(_ name: String) throws -> UnixListener {
        try UnixListener(path: path(name), mode: 0o600)
    }

    private func read(_ count: Int) throws -> [UInt8] {
        try EntropyConnection(path: path("entropy"), allowsSimulated: true).read(count: count)
    }

    @Test("Are used by their names, and stay when the daemon goes")
    func used() throws {
        let (entropy, control) = (try listener("entropy"), try listener("control"))
        let daemon = try ActivatedDaemon(
            directory, [("control", control.descriptor), ("entropy", entropy.descriptor)])
        #expect(try read(32).count == 32)
        let boards = try run("\(buildDirectory)/mectl", ["boards", "--socket", path("control")])
        #expect(boards.status == 0, "\(boards.errors)")
        #expect(daemon.end(SIGTERM) == 0)
        for name in ["entropy", "control"] { #expect(access(path(name), F_OK) == 0) }
        for path in [directory.entropy, directory.control] { #expect(access(path, F_OK) != 0) }
    }

    @Test(
        "A daemon that cannot start turns away who waits, so that it is not started for them again",
        arguments: [("a: 1\n", 78), ("boards: [{name: array0, kind: simulated}]\n", 1)])
    func cannotStart(configuration: String, status: Int32) throws {
        let (entropy, control) = (try listener("entropy"), try listener("control"))
        let file = try directory.write(configuration, to: "m.yaml")
        // Of the two, the second is stopped by its lock: another daemon has the directory.
        let holder = status == 1 ? try DaemonProcess(directory: directory) : nil
        let waiting = try connectUnixSocket(path: path("control"))
        let daemon = try ActivatedDaemon(
            directory, [("control", control.descriptor), ("entropy", entropy.descriptor)],
            options: ["--config", file])
        #expect(daemon.end() == status)
        var byte: UInt8 = 0
        #expect(recv(waiting.raw, &byte, 1, Int32(MSG_DONTWAIT)) == 0)
        for socket in [entropy, control] {
            var request = pollfd(fd: socket.descriptor.raw, events: Int16(POLLIN), revents: 0)
            #expect(poll(&request, 1, 0) == 0)
        }
        #expect(holder?.stop() ?? 0 == 0)
    }

    @Test("Let a client wait while the daemon is away, until the next one serves it")
    func restart() throws {
        let entropy = try listener("entropy")
        let first = try ActivatedDaemon(directory, [("entropy", entropy.descriptor)])
        let connection = try EntropyConnection(path: path("entropy"), allowsSimulated: true)
        let before = try connection.read(count: 4096)
        #expect(first.end(SIGKILL) == nil)
        let second = try ActivatedDaemon(directory, [("entropy", entropy.descriptor)])
        // The connection is a new one by itself.
        #expect(try connection.read(count: 4096) != before)
        #expect(second.end(SIGTERM) == 0)
    }

    @Test(
        "A client that is killed its daemon under again and again gets all it asks for", .thorough)
    func restarts() throws {
        let entropy = try listener("entropy")
        let path = path("entropy")
        let client = Client()
        let worker = try WorkerThread(name: "client") { client.read(8 << 20, from: path) }
        var daemon = try ActivatedDaemon(directory, [("entropy", entropy.descriptor)])
        for count in 1...5 {
            try #require(eventually { client.count.load(ordering: .relaxed) > count << 20 })
            #expect(daemon.end(SIGKILL) == nil)
            daemon = try ActivatedDaemon(directory, [("entropy", entropy.descriptor)])
        }
        worker.join()
        #expect(client.count.load(ordering: .relaxed) == 8 << 20)
        #expect(client.blocks.withLock { $0.count } == (8 << 20) / 32, "no block twice")
        #expect(daemon.end(SIGTERM) == 0)
    }

    @Test("When only one is passed, the other is the daemon's own")
    func one() throws {
        let entropy = try listener("entropy")
        let daemon = try ActivatedDaemon(directory, [("entropy", entropy.descriptor)])
        #expect(daemon.isStarted())
        #expect(try mectl("boards", directory: directory).status == 0)
        #expect(daemon.end(SIGTERM) == 0)
        #expect(access(directory.control, F_OK) != 0)
    }

    @Test(
        "That nobody can use stop the daemon, with what is wrong about them",
        arguments: [
            (["entropy", "contol"], "a socket named contol, expected entropy or control"),
            (["entropy", "entropy"], "two sockets named entropy"),
        ])
    func refused(names: [String], reason: String) throws {
        let sockets = try names.enumerated().map { (index, name) in
            (name: name, descriptor: try listener("\(index)").descriptor)
        }
        let daemon = try ActivatedDaemon(directory, sockets)
        #expect(daemon.end() == 1)
        #expect(daemon.logText.contains(reason), "\(daemon.logText)")
    }

    @Test(
        "What is no local stream socket that listens stops the daemon, too",
        arguments: [true, false])
    func noListener(isSocket: Bool) throws {
        let descriptor =
            isSocket
            ? Descriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
            : Descriptor(owning: open("/dev/null", O_RDONLY | O_CLOEXEC))
        let daemon = try ActivatedDaemon(directory, [("entropy", descriptor)])
        #expect(daemon.end() == 1)
        #expect(
            daemon.logText.contains(
                "the socket passed as entropy is not a listening local stream socket"))
    }
}
