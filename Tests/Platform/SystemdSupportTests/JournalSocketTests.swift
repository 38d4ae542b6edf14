// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemdSupport
import TestSupport
import Testing

@Suite(
    "Entries of the journal: as the journal reads them, values with lines, cut and too long ones; a journal that does not read or is not there"
)
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

    @Test("are cut where a datagram would become too long")
    func long() {
        let entry = JournalSocket.entry([("A", String(repeating: "é", count: 100_000)), ("B", "b")])
        let text = String(decoding: entry, as: UTF8.self)
        #expect(text.hasPrefix("A=é") && text.hasSuffix("… (cut)\nB=b\n"))
        #expect(entry.count < 40_000)
    }

    @Test("reach who reads them, one by one")
    func received() throws {
        let directory = TemporaryDirectory()
        let reader = try DatagramSocket(path: directory.file("journal"))
        let journal = try JournalSocket(path: directory.file("journal"))
        journal.send([("MESSAGE", "one")])
        journal.send([("MESSAGE", "two"), ("PRIORITY", "3")])
        #expect(journal.flush() == nil)
        #expect(reader.next() == "MESSAGE=one\n")
        #expect(reader.next() == "MESSAGE=two\nPRIORITY=3\n")
        #expect(reader.next() == nil)
    }

    @Test(
        "wait for a journal that does not read, in their order, and are tried more and more seldom")
    func slowJournal() throws {
        let directory = TemporaryDirectory()
        let reader = try DatagramSocket(path: directory.file("journal"))
        let journal = try JournalSocket(path: directory.file("journal"))
        // So many that no queue holds them: it would wait here for ever.
        for number in 0..<3_000 { journal.send([("MESSAGE", "\(number)")]) }
        var delays: [Int32] = []
        for _ in 0..<10 { delays.append(try #require(journal.flush())) }
        #expect(delays == [20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000, 1_000])
        var read = 0
        while read < 3_000 {
            let entry = try #require(reader.next())
            #expect(entry == "MESSAGE=\(read)\n")
            read += 1
            if read.isMultiple(of: 10) { _ = journal.flush() }
        }
        #expect(journal.flush() == nil)
        #expect(reader.next() == nil)
    }

    @Test("are lost when no datagram can be so long, and hold up no other")
    func tooLong() throws {
        let directory = TemporaryDirectory()
        let reader = try DatagramSocket(path: directory.file("journal"))
        let journal = try JournalSocket(path: directory.file("journal"))
        let value = String(repeating: "x", count: 30_000)
        journal.send((0..<1_000).map { ("FIELD_\($0)", value) })
        journal.send([("MESSAGE", "next")])
        #expect(journal.flush() == nil)
        #expect(reader.next() == "MESSAGE=next\n")
        #expect(reader.next()?.hasPrefix("MESSAGE=1 entries were lost") == true)
    }

    @Test("are lost when too many wait, and the next one says how many")
    func lost() throws {
        let directory = TemporaryDirectory()
        let journal = try JournalSocket(path: directory.file("journal"))
        for _ in 0..<JournalSocket.capacity + 5 { journal.send([("MESSAGE", "nobody is there")]) }
        #expect(journal.flush() != nil)
        let reader = try DatagramSocket(path: directory.file("journal"))
        var entries: [String] = []
        while journal.flush() != nil || entries.isEmpty {
            while let entry = reader.next() { entries.append(entry) }
        }
        while let entry = reader.next() { entries.append(entry) }
        #expect(entries.count == JournalSocket.capacity + 1)
        #expect(entries.last?.hasPrefix("MESSAGE=5 entries were lost") == true)
    }
}
