// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyTerms
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
    ///     closed. An INFO before them is answered by itself.
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
            for (index, answer) in answers.enumerated() {
                guard let request = try? client.receive(EntropyRequest.byteCount) else { return }
                if index == 0, request.count == EntropyRequest.byteCount, request[1] == Self.info {
                    // Whoever introduces itself learns that nothing is offered, and asks what it came for.
                    _ = try? client.send(Self.nothingOffered)
                    _ = try? client.receive(EntropyRequest.byteCount)
                }
                _ = try? client.send(answer)
            }
        }
    }

    private static let info = EntropyRequest.Operation.info.rawValue
    private static let nothingOffered =
        EntropyReply(
            status: .ok, provenance: .hardware, grade: .raw, length: 2, tag: 0, healthEpoch: 0
        ).bytes + Array("{}".utf8)

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
