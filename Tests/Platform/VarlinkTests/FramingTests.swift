// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import Varlink

@Suite(
    "Message framing: any pieces, the limit of length, random bytes")
struct FramingTests {
    private static func messages(
        _ bytes: [UInt8], chunk: Int, limit: Int = 100
    ) throws -> [String] {
        var framing = MessageFraming(limit: limit)
        var messages: [String] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            framing.append(bytes[start..<min(start + chunk, bytes.count)])
            while let message = try framing.next() {
                messages.append(String(decoding: message, as: UTF8.self))
            }
        }
        return messages
    }

    @Test(
        "Messages come out the same however their bytes come in",
        arguments: [1, 2, 3, 5, 7, 64, 1_000])
    func chunks(size: Int) throws {
        let bytes = Array("one\0two\0\0a longer third one\0unfinished".utf8)
        let messages = try Self.messages(bytes, chunk: size)
        #expect(messages == ["one", "two", "", "a longer third one"])
    }

    @Test("Messages taken late come out whole")
    func takenLate() throws {
        var framing = MessageFraming(limit: 10)
        framing.append(Array("ab\0cd\0e".utf8))
        #expect(try framing.next() == Array("ab".utf8)[...])
        framing.append(Array("f\0".utf8))
        #expect(try framing.next() == Array("cd".utf8)[...])
        #expect(framing.hasMessage)
        #expect(try framing.next() == Array("ef".utf8)[...])
        #expect(!framing.hasMessage)
        #expect(try framing.next() == nil)
    }

    @Test("A message as long as the limit passes", arguments: [1, 3, 100])
    func asLongAsTheLimit(chunk: Int) throws {
        let bytes = [UInt8](repeating: 0x61, count: 10) + [0]
        #expect(try Self.messages(bytes, chunk: chunk, limit: 10).map(\.count) == [10])
    }

    @Test("A longer one is refused, before its end comes or with it", arguments: [1, 3, 100])
    func tooLong(chunk: Int) {
        let bytes = [UInt8](repeating: 0x61, count: 11)
        #expect(throws: MessageTooLong(limit: 10)) {
            try Self.messages(bytes, chunk: chunk, limit: 10)
        }
        #expect(throws: MessageTooLong(limit: 10)) {
            try Self.messages(bytes + [0], chunk: chunk, limit: 10)
        }
    }

    @Test("Random bytes in random pieces come out as the text between their NULs")
    func randomBytes() throws {
        var random = SeededGenerator(1)
        for _ in 0..<200 {
            let bytes = random.bytes(300).map { $0 < 40 ? 0 : $0 }
            var framing = MessageFraming(limit: 300)
            var messages: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...40, using: &random)
                framing.append(rest.prefix(count))
                rest = rest.dropFirst(count)
                while Bool.random(using: &random), let message = try framing.next() {
                    messages.append(Array(message))
                }
            }
            while let message = try framing.next() { messages.append(Array(message)) }
            let expected = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
            #expect(messages == expected.map(Array.init))
        }
    }
}
