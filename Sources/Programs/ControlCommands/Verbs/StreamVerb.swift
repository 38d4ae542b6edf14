// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EntropyClient
import EntropyTerms

struct StreamVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Write bits to standard output, as in: mectl stream | rngtest",
        discussion: """
            Simulated and replayed bits are not random, and are refused unless allowed.
            """)

    /// The size of a request.
    private static let chunk = 1 << 20
    /// The size of the first request: so small that it can be answered if there are any bits at all.
    private static let firstPiece = 32
    /// The size of a request of replayed bits: one message, so that a request that is not answered takes no bits.
    private static let replayedPiece = 1 << 14

    @Option(parsing: .unconditional, help: "Number of bytes (default: until the reader closes the pipe).")
    var bytes: Int?

    @Option(
        help: "Processing of the bits: raw or full (default: full).", transform: offeredGrade)
    var grade = Grade.full

    @Flag(help: "Accept bits that are not random: simulated or replayed.")
    var allowSimulated = false

    @Option(
        help: ArgumentHelp(
            "The entropy socket of metrngd (default: entropy.sock beside the control socket).",
            valueName: "path"))
    var entropySocket: String?

    @OptionGroup var options: SocketOption

    static let foreignOptions: Set = ["--json"]

    func validate() throws {
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
        // A recording ends; with requests that become smaller then, all of its bits can be read.
        var replayedPiece = Self.replayedPiece
        while left > 0 {
            let isFirst = connection.origin == nil
            let isReplay = connection.origin?.provenance == .replay
            let size = isFirst ? Self.firstPiece : isReplay ? replayedPiece : left
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(min(size, left)))
            do throws(Failure) {
                try isFirst
                    ? readFirst(part, from: connection, console) : read(part, from: connection)
            } catch .bits(.unavailable) {
                guard isReplay, part.count > Self.firstPiece else { return try end(left: left, console) }
                replayedPiece = part.count / 2
                continue
            }
            try write(UnsafeRawBufferPointer(part), on: console)
            if bytes != nil { left -= part.count }
        }
        return .success
    }

    /// Ends the stream when no board has more bits: a failure if more were requested.
    private func end(left: Int, _ console: Console) throws(Failure) -> MectlExit {
        console.tell("mectl: note: the recording has ended; there are no more bits\n")
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

    /// Reads the first bytes, with a note if there are none yet or they are not random.
    private func readFirst(
        _ buffer: UnsafeMutableRawBufferPointer, from connection: EntropyConnection,
        _ console: Console
    ) throws(Failure) {
        do {
            try read(buffer, from: connection, waits: false)
        } catch .bits(.unavailable) {
            console.tell("mectl: note: waiting for bits; mectl status says why there are none\n")
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
        throw ValidationError("there is no grade \(argument): use raw or full")
    }
    return grade
}
