// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyTerms
import Foundation
import Glibc
import TestSupport
import Testing

/// The memory of a process, as the kernel would write it to a core file.
private struct CoreImage {
    /// Words of a marked stream that were found in memory that a core file has, by the line of `smaps` that says where.
    private(set) var dumped: [String: Int] = [:]
    /// How many were found in memory that is kept out of it.
    private(set) var kept = 0

    /// The threads of a process, but for the main one, whose stacks a core file has, by name.
    static func dumpedStacks(of process: Int32) throws -> [String] {
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
        let dumped = mappings(of: process).filter { !$0.flags.contains("dd") }
        return threads.compactMap { thread in
            // The number of a call, its six arguments, the stack pointer and the instruction pointer.
            let call = textOfFile("/proc/\(process)/task/\(thread)/syscall").split(separator: " ")
            guard thread != "\(process)", call.count >= 2,
                let pointer = UInt64(call[call.count - 2].dropFirst(2), radix: 16),
                dumped.contains(where: { $0.range.contains(pointer) })
            else { return nil }
            return textOfFile("/proc/\(process)/task/\(thread)/comm")
        }
    }

    private typealias Mapping = (head: Substring, range: Range<UInt64>, flags: [Substring])

    private static func mappings(of process: Int32) -> [Mapping] {
        var head: (line: Substring, range: Range<UInt64>)?
        return textOfFile("/proc/\(process)/smaps").split(separator: "\n").compactMap { line in
            if let range = range(line) { head = (line, range) }
            guard line.hasPrefix("VmFlags:"), let (line: name, range) = head else { return nil }
            return (name, range, line.split(separator: " "))
        }
    }

    /// Looks for words at every multiple of four bytes. The process must stand still.
    init(of process: Int32, words: Set<UInt64>) throws {
        let memory = open("/proc/\(process)/mem", O_RDONLY | O_CLOEXEC)
        try #require(memory >= 0, "the memory of a child can be read")
        defer { close(memory) }
        for (head, range, flags) in Self.mappings(of: process) {
            guard flags.contains("rd"), !flags.contains("io"), !head.contains("[v") else { continue }
            let count = Self.count(words, in: range, of: memory)
            if flags.contains("dd") { kept += count } else if count > 0 { dumped["\(head)"] = count }
        }
    }

    /// The addresses of a mapping; nil for the lines about it.
    private static func range(_ line: Substring) -> Range<UInt64>? {
        let ends = line.prefix { $0 != " " }.split(separator: "-")
        guard ends.count == 2, let low = UInt64(ends[0], radix: 16), let high = UInt64(ends[1], radix: 16)
        else { return nil }
        return low..<high
    }

    private static func count(_ words: Set<UInt64>, in range: Range<UInt64>, of memory: Int32) -> Int {
        var found = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var at = range.lowerBound
        while at < range.upperBound {
            let wanted = min(buffer.count, Int(range.upperBound - at))
            let count = pread(memory, &buffer, wanted, off_t(at))
            guard count > 8 else { return found }
            buffer.withUnsafeBytes { bytes in
                for offset in stride(from: 0, through: count - 8, by: 4) {
                    let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    // Most of memory is small numbers and zeros, which no random word is.
                    if word >> 32 != 0, words.contains(word) { found += 1 }
                }
            }
            at += UInt64(count)
        }
        return found
    }
}

@Suite("A core file of a daemon that served a marked stream has none of it", .serialized)
struct CoreImageTests {
    /// The number of shots, of 64 lanes. Each is a word that occurs once.
    private static let shots = 1 << 20

    @Test("neither the bits of the board nor what was made of them, in the middle of serving")
    func image() throws {
        var random = SeededGenerator(77)
        let words = random.words(Self.shots)
        let directory = SocketDirectory()
        let feeder = try Feeder(words.withUnsafeBytes { Data($0) }, in: directory)
        let daemon = try DaemonProcess(
            "boards: [{name: h, kind: host, lanes: 64, path: \(feeder.fifo)}]\n", directory: directory)
        var marked = Set(words)
        var kept = 0
        let client = try daemon.connect()
        for grade in [Grade.full, .raw, .full, .raw] {
            let bytes = try client.read(count: 262_144, grade: grade)
            bytes.withUnsafeBytes { for word in $0.bindMemory(to: UInt64.self) { marked.insert(word) } }
            kill(daemon.processID, SIGSTOP)
            defer { kill(daemon.processID, SIGCONT) }
            let image = try CoreImage(of: daemon.processID, words: marked)
            #expect(image.dumped == [:])
            #expect(try CoreImage.dumpedStacks(of: daemon.processID) == [])
            kept += image.kept
        }
        #expect(kept > 1_000, "the rings hold bits: the search finds them where they may be")
        #expect(daemon.stop() == 0)
    }
}
