// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemdSupport
import TestSupport
import Testing

@Suite("Entries of the journal")
struct JournalSocketTests {
    @Test("are a line for each field")
    func lines() {
        let entry = JournalSocket.entry([("MESSAGE", "a = b"), ("METRNG_LANE", "17"), ("E", "")])
        #expect(String(decoding: entry, as: UTF8.self) == "MESSAGE=a = b\nMETRNG_LANE=17\nE=\n")
    }

    @Test("have a length where a value has lines, so that no value can make a field of its own")
    func severalLines() {
        let entry = JournalSocket.entry([("MESSAGE", "a\nPRIORITY=0"), ("PRIORITY", "6")])
        let expected =
            Array("MESSAGE\n".utf8) + [12, 0, 0, 0, 0, 0, 0, 0]
            + Array("a\nPRIORITY=0\nPRIORITY=6\n".utf8)
        #expect(entry == expected)
    }

    @Test("reach who reads them, one by one")
    func received() throws {
        let directory = TemporaryDirectory()
        let reader = try DatagramSocket(path: directory.file("journal"))
        let journal = try JournalSocket(path: directory.file("journal"))
        #expect(journal.send([("MESSAGE", "one")]))
        #expect(journal.send([("MESSAGE", "two"), ("PRIORITY", "3")]))
        #expect(reader.next() == "MESSAGE=one\n")
        #expect(reader.next() == "MESSAGE=two\nPRIORITY=3\n")
    }

    @Test("are dropped when nobody reads, and taken again when somebody does")
    func nobodyReads() throws {
        let directory = TemporaryDirectory()
        let journal = try JournalSocket(path: directory.file("journal"))
        #expect(!journal.send([("MESSAGE", "nobody is there")]))
        let reader = try DatagramSocket(path: directory.file("journal"))
        // So many that no queue holds them: it would wait here for ever.
        let taken = (0..<20_000).count { _ in journal.send([("MESSAGE", "x")]) }
        #expect(taken > 0 && taken < 20_000)
        for _ in 0..<taken { #expect(reader.next() == "MESSAGE=x\n") }
        #expect(journal.send([("MESSAGE", "again")]))
        #expect(reader.next() == "MESSAGE=again\n")
    }

    @Test("have no place at a path that is too long")
    func longPath() throws {
        let journal = try JournalSocket(path: "/" + String(repeating: "x", count: 200))
        #expect(!journal.send([("MESSAGE", "x")]))
    }
}

/// The end that the journal has.
private final class DatagramSocket {
    private let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)

    init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let isBound = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound)
    }

    deinit { close(socket) }

    /// The next datagram, nil when there is none.
    func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
