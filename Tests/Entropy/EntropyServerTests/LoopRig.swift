// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import EntropyServer
import EntropyTerms
import LinuxPlatform
import PlaneTestSupport
import TestSupport

/// A server without a thread, whose one source the test fills.
final class LoopRig {
    let loop: EntropyServerLoop
    let source: EntropySource
    private let directory = TemporaryDirectory()

    init(calls: SocketCalls = .system) throws {
        let bitsArrived = try Wakeup()
        let sources = try ServerRig.makeSources(
            [.hardware], ringBytes: 4096, bitsArrived: bitsArrived)
        source = sources[0]
        source.open()
        loop = try EntropyServerLoop(
            EntropyServer.Parts(
                listener: UnixListener(path: directory.file("e"), mode: 0o600), sources: sources,
                bitsArrived: bitsArrived, calls: calls, info: { Array("{}".utf8) }),
            maximumClients: 8)
    }

    /// The path of the socket.
    var path: String { directory.file("e") }

    func connect() throws -> RawClient { try RawClient(path: path) }

    /// Fills the ring of the grade `full`, without an allocation.
    func fill() {
        while source.full.free > 0 {
            let space = source.full.writableSpan()
            for index in space.indices { space[index] = 0xA5 }
            source.publish(space.count, in: source.full)
        }
    }

    /// Takes turns until there is nothing to do.
    func settle() {
        for _ in 0..<200 { _ = loop.turn(limit: 0) }
    }
}
