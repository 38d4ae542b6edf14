// SPDX-License-Identifier: Apache-2.0

import AllocationCounting
import EntropyProtocol
import EntropyTerms
import Glibc
import LinuxPlatform
import PlaneTestSupport
import Testing

/// The server takes its turns on the thread of the test, so that its allocations are those of the test.
@Suite("Server: no allocation for a reply with bits", .countsAllocationsOfOptimisedCode)
struct ServerAllocationTests {
    /// A client that allocates nothing.
    private struct Asker {
        let socket: Descriptor
        let request: [UInt8]
        let reply: UnsafeMutableRawBufferPointer

        /// Sends the request.
        func ask() {
            precondition(
                send(socket.raw, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
        }

        /// Takes what has come.
        func listen() -> Int {
            max(0, recv(socket.raw, reply.baseAddress, reply.count, Int32(MSG_DONTWAIT)))
        }
    }

    /// Lets clients ask many times, and counts what the server allocates for that, after a few replies
    /// to warm up.
    private func count(
        clients: Int = 1, bytes: UInt32, replies: Int = 100, putsBitsLate: Bool = false
    ) throws -> Allocations {
        let rig = try LoopRig()
        let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
        defer { reply.deallocate() }
        let request = EntropyRequest.read(bytes, grade: .full).bytes
        let askers = try (0..<clients).map { _ in
            Asker(
                socket: try connectUnixSocket(path: rig.path), request: request, reply: reply)
        }
        rig.settle()
        func exchange() {
            if !putsBitsLate { rig.fill() }
            for asker in askers { asker.ask() }
            rig.settle()
            var missing = askers.count * (EntropyReply.byteCount + Int(bytes))
            while missing > 0 {
                rig.fill()
                rig.settle()
                for asker in askers { missing -= asker.listen() }
            }
        }
        for _ in 0..<3 { exchange() }
        return allocations { for _ in 0..<replies { exchange() } }
    }

    @Test("In the steady state", arguments: [1, 32, 4096, 20_000])
    func steady(bytes: UInt32) throws {
        let found = try count(bytes: bytes)
        #expect(found.count == 0, "\(found)")
    }

    @Test("With several clients, who wait in line for bits", arguments: [2, 7])
    func clients(count clients: Int) throws {
        let found = try count(clients: clients, bytes: 3_000, putsBitsLate: true)
        #expect(found.count == 0, "\(found)")
    }

    @Test("One allocation for each reply would be noticed")
    func control() throws {
        let rig = try LoopRig()
        let client = try rig.connect()
        rig.settle()
        let found = try allocations {
            for _ in 0..<10 {
                try client.send(.info())
                rig.settle()
                _ = client.drain()
            }
        }
        #expect(found.count >= 10 && !found.first.isEmpty)
    }
}
