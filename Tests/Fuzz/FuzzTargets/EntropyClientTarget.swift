// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyProtocol
import EntropyTerms
import Glibc
import LinuxPlatform
import TestSupport

extension FuzzTarget {
    /// `EntropyConnection` with a daemon that says these bytes and then closes, whatever it is asked.
    static let entropyClient = FuzzTarget("entropy-client", inputLimit: 1_024) { bytes in
        for allowsSimulated in [false, true] {
            guard let connection = HostileDaemon.shared.connect(bytes, allowsSimulated) else {
                return
            }
            HostileConversation(connection, bytes, allowsSimulated: allowsSimulated).run()
        }
    }
}

/// The listening end. Everything happens on one thread: the kernel holds the connection until it is
/// accepted, and the bytes until they are read.
private final class HostileDaemon: Sendable {
    static let shared = HostileDaemon()

    private let directory = TemporaryDirectory()
    private let listener: UnixListener

    private init() {
        do {
            listener = try UnixListener(path: directory.file("entropy.sock"), mode: 0o600)
        } catch {
            fatalError("\(error)")
        }
    }

    /// A client whose daemon has said everything that it will say.
    func connect(
        _ bytes: UnsafeRawBufferPointer, _ allowsSimulated: Bool
    ) -> EntropyConnection? {
        guard
            let connection = try? EntropyConnection(
                path: listener.path, allowsSimulated: allowsSimulated, reconnectSeconds: 0),
            let peer = try? listener.accept()
        else { fatalError("cannot connect to \(listener.path)") }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = send(
                peer.raw, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count,
                Int32(MSG_NOSIGNAL))
            guard count > 0 else { return nil }
            rest = rest.dropFirst(count)
        }
        shutdown(peer.raw, Int32(SHUT_WR))
        return connection
    }
}

/// Reads until the first error, and compares what was read with what the daemon said.
private struct HostileConversation {
    private let connection: EntropyConnection
    private let bytes: UnsafeRawBufferPointer
    private let allowsSimulated: Bool

    private static let reads: [(count: Int, grade: Grade)] = [(32, .full), (1, .raw), (100, .full)]

    init(
        _ connection: EntropyConnection, _ bytes: UnsafeRawBufferPointer, allowsSimulated: Bool
    ) {
        self.connection = connection
        self.bytes = bytes
        self.allowsSimulated = allowsSimulated
    }

    func run() {
        var position = 0
        for (count, grade) in Self.reads {
            guard let read = try? connection.read(count: count, grade: grade) else { return }
            position += EntropyReply.byteCount
            require(position + count <= bytes.count, "no bytes are made up")
            require(
                read.elementsEqual(bytes[position..<position + count]),
                "what is returned is what came")
            require(connection.origin?.grade == grade, "the grade is that asked for")
            require(
                allowsSimulated || connection.origin?.provenance.isGenuine == true,
                "bits that are not genuine are refused unless they were allowed")
            position += count
        }
        guard let text = try? connection.information() else { return }
        require(
            text.utf8.count <= 3 * max(0, bytes.count - position),
            "the text is no longer than what came")
    }
}
