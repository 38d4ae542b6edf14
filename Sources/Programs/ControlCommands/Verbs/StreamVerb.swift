// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EntropyClient
import EntropyTerms

struct StreamVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Write bits to the standard output, as in: mectl stream | rngtest",
        discussion: """
            Bits that are not random, simulated or replayed ones, are refused unless they are \
            allowed.
            """)

    /// How much is asked for at once.
    private static let chunk = 1 << 20
    /// How much is asked for to begin with: so little that there are bits or there are none.
    private static let firstPiece = 32

    @Option(help: "How many bytes; without it, until the reader has had enough.")
    var bytes: Int?

    @Option(
        help: "What is done to the bits: raw or full (default: full).", transform: offeredGrade)
    var grade = Grade.full

    @Flag(help: "Accept bits that are not random: simulated or replayed.")
    var allowSimulated = false

    @Option(
        help: ArgumentHelp(
            "The entropy socket of metrngd (default: entropy.sock beside the control socket).",
            valueName: "path"))
    var entropySocket: String?

    @OptionGroup var options: ReadingOptions

    func validate() throws {
        if options.json { throw ValidationError("stream gives bits, not JSON") }
        if let bytes, bytes < 1 { throw ValidationError("--bytes takes a number from 1") }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        guard !console.outputIsTerminal else { throw .bitsToTerminal }
        let path = entropySocket ?? path(beside: options.path(console))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 16)
        defer {
            buffer.initializeMemory(as: UInt8.self, repeating: 0)
            buffer.deallocate()
        }
        let connection = try connect(path)
        var left = bytes ?? .max
        while left > 0 {
            let isFirst = connection.origin == nil
            // Of a recording, which ends: so much that all there is can be had.
            let isSmall = isFirst || connection.origin?.provenance == .replay
            let size = isSmall ? min(left, Self.firstPiece) : left
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(size))
            do throws(Failure) {
                try isFirst
                    ? readFirst(part, from: connection, console) : read(part, from: connection)
            } catch .bits(.unavailable) {
                return try end(left: left, console)
            }
            try write(UnsafeRawBufferPointer(part), on: console)
            if bytes != nil { left -= part.count }
        }
        return .success
    }

    /// No board gives more: that is the end, unless more was asked for.
    private func end(left: Int, _ console: Console) throws(Failure) -> MectlExit {
        console.tell("mectl: note: the recording is over: no more bits come\n")
        guard bytes == nil else { throw .bits(.unavailable) }
        return .success
    }

    private func path(beside control: String) -> String {
        control.lastIndex(of: "/").map { control[...$0] + "entropy.sock" } ?? "entropy.sock"
    }

    private func connect(_ path: String) throws(Failure) -> EntropyConnection {
        do {
            return try EntropyConnection(
                path: path, allowsSimulated: allowSimulated, reconnectSeconds: 0)
        } catch {
            throw .bits(error)
        }
    }

    /// Says what a person would wonder about: why nothing comes, and what does come.
    private func readFirst(
        _ buffer: UnsafeMutableRawBufferPointer, from connection: EntropyConnection,
        _ console: Console
    ) throws(Failure) {
        do {
            try read(buffer, from: connection, waits: false)
        } catch .bits(.unavailable) {
            console.tell("mectl: note: waiting for bits; mectl status tells why there are none\n")
            try read(buffer, from: connection)
        }
        if let provenance = connection.origin?.provenance, !provenance.isGenuine {
            console.tell("mectl: note: these bits are \(provenance.name), not random\n")
        }
    }

    private func read(
        _ buffer: UnsafeMutableRawBufferPointer, from connection: EntropyConnection,
        waits: Bool = true
    ) throws(Failure) {
        do {
            try connection.read(into: buffer, grade: grade, waits: waits)
        } catch {
            throw .bits(error)
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, on console: Console) throws(Failure) {
        do {
            try console.writeBytes(bytes)
        } catch {
            throw .output(error)
        }
    }
}

/// The grades that are offered, by name.
@Sendable private func offeredGrade(_ argument: String) throws -> Grade {
    guard let grade = Grade(name: argument), grade != .expand else {
        throw ValidationError("there is no grade \(argument) to be had: raw or full")
    }
    return grade
}
