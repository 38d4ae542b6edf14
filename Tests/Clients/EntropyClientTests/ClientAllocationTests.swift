// SPDX-License-Identifier: Apache-2.0

import AllocationCounting
import EntropyClient
import PlaneTestSupport
import Testing

@Suite("Client: no allocation for a read into a buffer", .countsAllocations)
struct ClientAllocationTests {
    private static let reads = 200

    /// Counts what the client allocates in many reads, after a few to warm up.
    private func count(_ read: (EntropyConnection) throws -> Void) throws -> Allocations {
        var found: Allocations?
        try ServerRig.run { rig in
            let connection = try EntropyConnection(path: rig.path, reconnectSeconds: 10)
            try rig.filling {
                for _ in 0..<3 { try read(connection) }
                found = try allocations { for _ in 0..<Self.reads { try read(connection) } }
            }
        }
        return try #require(found)
    }

    @Test("In the steady state", arguments: [1, 4096, 100_000])
    func steady(bytes: Int) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 8)
        defer { buffer.deallocate() }
        let found = try count { try $0.read(into: buffer) }
        #expect(found.count == 0, "\(found)")
    }

    @Test("Nor for a random number, also when the buffer is filled again")
    func numbers() throws {
        var generator: EntropyGenerator?
        var sum: UInt64 = 0
        let found = try count { connection in
            if generator == nil { generator = EntropyGenerator(connection, bufferBytes: 64) }
            for _ in 0..<20 { sum &+= generator?.next() ?? 0 }
        }
        #expect(found.count == 0, "\(found)")
    }

    @Test("A read into a new array would be noticed")
    func control() throws {
        let found = try count { _ = try $0.read(count: 64) }
        #expect(found.count >= Self.reads && !found.first.isEmpty)
    }
}
