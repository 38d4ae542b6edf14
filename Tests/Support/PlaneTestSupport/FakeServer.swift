// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import Glibc
package import LinuxPlatform
import TestSupport

/// A server for one client that says what the test wants, whatever it is asked.
package final class FakeServer: Sendable {
    package let path: String
    private let directory: TemporaryDirectory
    private let thread: WorkerThread

    /// - Parameters:
    ///   - answers: what to send after each request of 16 bytes. After the last one the connection is
    ///     closed.
    ///   - unasked: what to send first, before any request.
    package init(unasked: [UInt8] = [], answers: [[UInt8]]) throws(SystemError) {
        let directory = TemporaryDirectory()
        self.directory = directory
        path = directory.file("f")
        let listener: UnixListener
        do {
            listener = try UnixListener(path: path, mode: 0o600)
        } catch {
            preconditionFailure("\(error)")
        }
        thread = try WorkerThread(name: "test-server") {
            var connection: Descriptor?
            _ = eventually {
                connection = (try? listener.accept()).flatMap { $0 }
                return connection != nil
            }
            guard let connection, blockOn(connection) else { return }
            let client = RawClient(connection)
            _ = try? client.send(unasked)
            for answer in answers {
                guard (try? client.receive(EntropyRequest.byteCount)) != nil else { return }
                _ = try? client.send(answer)
            }
        }
    }

    /// Waits until the client was served. Call it once.
    package func finish() { thread.join() }

    /// Lets `body` talk to a server, and waits for its end.
    package static func run(
        unasked: [UInt8] = [], answers: [[UInt8]], _ body: (String) throws -> Void
    ) throws {
        let server = try FakeServer(unasked: unasked, answers: answers)
        defer { server.finish() }
        try body(server.path)
    }
}

/// Lets reads and writes of a connection wait, which those that a listener accepts do not.
private func blockOn(_ connection: Descriptor) -> Bool {
    fcntl(connection.raw, F_SETFL, 0) == 0
}
