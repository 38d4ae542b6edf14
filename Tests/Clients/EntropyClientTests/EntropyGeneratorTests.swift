// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import EntropyClient
import EntropyRing
import EntropyServer
import EntropyTerms
import Glibc
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Random numbers from the daemon: the stream of numbers, copies, reserving, the end without bits"
)
struct EntropyGeneratorTests {
    /// The first numbers that the tagged stream makes.
    private func numbers(_ count: Int) -> [UInt64] {
        TaggedStream.bytes(count: (count + 1) / 2 * 16).withUnsafeBytes { bytes in
            (0..<count).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
            }
        }
    }

    @Test("are the bytes of the source, in order, each used once", arguments: [8, 24, 4096])
    func stream(bufferBytes: Int) throws {
        try ServerRig.run { rig in
            let made = try rig.filling {
                var generator = EntropyGenerator(
                    try EntropyConnection(path: rig.path, reconnectSeconds: 0),
                    bufferBytes: bufferBytes)
                return (0..<2000).map { _ in generator.next() }
            }
            #expect(made == numbers(2000))
        }
    }

    @Test("of a forked child are not its parent's: neither those that were read ahead nor those on the connection")
    func forked() async {
        await #expect(processExitsWith: .success) {
            try ServerRig.run { rig in
                let numbers = try rig.filling {
                    var generator = EntropyGenerator(try EntropyConnection(path: rig.path), bufferBytes: 64)
                    let before = (0..<3).map { _ in generator.next() }
                    let ofChild = numbersInChild(3) { generator.next() }
                    let after = (0..<10).map { _ in generator.next() }
                    return before + after + ofChild
                }
                precondition(numbers.count == 16 && Set(numbers).count == 16 && !numbers.contains(0))
            }
        }
    }

    @Test("are never the same in copies of a generator")
    func copies() throws {
        try ServerRig.run { rig in
            let made = try rig.filling {
                var first = EntropyGenerator(
                    try EntropyConnection(path: rig.path, reconnectSeconds: 0), bufferBytes: 64)
                var second = first
                var third = second
                return (0..<300).map { index in
                    switch index % 3 {
                    case 0: first.next()
                    case 1: second.next()
                    default: third.next()
                    }
                }
            }
            #expect(made == numbers(300))
        }
    }

    @Test("serve what takes a generator of random numbers")
    func standardLibrary() throws {
        try ServerRig.run { rig in
            try rig.filling {
                var generator = EntropyGenerator(
                    try EntropyConnection(path: rig.path, reconnectSeconds: 0))
                let dice = (0..<100).map { _ in Int.random(in: 1...6, using: &generator) }
                #expect(dice.allSatisfy { (1...6).contains($0) })
                #expect((1...50).shuffled(using: &generator).sorted() == Array(1...50))
            }
        }
    }

    @Test("can be reserved, and are there then although the daemon is gone")
    func reserved() throws {
        var generator: EntropyGenerator?
        try ServerRig.run { rig in
            rig.source.put(TaggedStream.bytes(count: 64))
            generator = EntropyGenerator(
                try EntropyConnection(path: rig.path, reconnectSeconds: 0), bufferBytes: 64)
            try generator?.reserve(8)
        }
        try generator?.reserve(8)
        var made: [UInt64] = []
        for _ in 0..<8 { if let number = generator?.next() { made.append(number) } }
        #expect(made == numbers(8))
        #expect(throws: EntropyError.disconnected) { try generator?.reserve(1) }
    }

    @Test("that were read ahead are used first when more are reserved")
    func reserveMore() throws {
        try ServerRig.run { rig in
            let made = try rig.filling {
                var generator = EntropyGenerator(
                    try EntropyConnection(path: rig.path, reconnectSeconds: 0), bufferBytes: 80)
                var made: [UInt64] = []
                for count in [1, 3, 10, 2, 10, 7, 10] {
                    try generator.reserve(count)
                    for _ in 0..<(count + 1) / 2 { made.append(generator.next()) }
                }
                return made
            }
            #expect(made == numbers(made.count))
        }
    }

    @Test("are not made up when there are none: reserving them throws")
    func reserveThrows() throws {
        try ServerRig.run(.init(provenances: [.simulated])) { rig in
            rig.source.put(TaggedStream.bytes(count: 4096))
            let generator = EntropyGenerator(
                try EntropyConnection(path: rig.path, reconnectSeconds: 0))
            #expect(throws: EntropyError.notGenuine(.simulated)) { try generator.reserve(1) }
            #expect(throws: EntropyError.disconnected) { try generator.reserve(1) }
        }
    }

    @Test("are not made up when there are none: the program ends and says why")
    func endsProgram() async throws {
        let rig = try ServerRig(.init(provenances: [.simulated]))
        rig.source.put(TaggedStream.bytes(count: 4096))
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { [path = rig.path as String] in
            var generator = EntropyGenerator(try EntropyConnection(path: path, reconnectSeconds: 0))
            _ = generator.next()
        }
        try rig.stop()
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(message.contains("no random numbers: the daemon serves simulated bits"))
    }
}

/// The numbers that a forked child makes; none when it fails.
func numbersInChild(_ count: Int, _ next: () -> UInt64) -> [UInt64] {
    var numbers = [UInt64](repeating: 0, count: count)
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return [] }
    let bytes = count * MemoryLayout<UInt64>.size
    let child = ctestsupport_fork()
    if child == 0 {
        for index in numbers.indices { numbers[index] = next() }
        _exit(write(ends[1], numbers, bytes) == bytes ? 0 : 1)
    }
    close(ends[1])
    let taken = read(ends[0], &numbers, bytes)
    close(ends[0])
    waitpid(child, nil, 0)
    return taken == bytes ? numbers : []
}
