// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CMetrng
import EntropyClient
import EntropyTerms

struct StreamVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Write bits to standard output, as in: mectl stream | rngtest",
        discussion: """
            Simulated and replayed bits are not random, and are refused unless allowed.
            With --format normals or uniform, the output is numbers of the --dtype in the byte order of this machine, \
            made of bits of the grade full.
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

    @Option(help: "What is made of the bits: bits, normals (mean 0, standard deviation 1) or uniform (from 0 to 1).")
    var format = StreamFormat.bits

    @Option(help: ArgumentHelp("The type of numbers: float32 or float64 (default: float32).", valueName: "type"))
    var dtype: SampleType?

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
        guard format != .bits else {
            if dtype != nil { throw ValidationError("--dtype is for --format normals or uniform") }
            return
        }
        guard grade == .full else { throw ValidationError("--format \(format.rawValue) takes bits of the grade full") }
        let size = (dtype ?? .float32).byteCount
        if let bytes, !bytes.isMultiple(of: size) {
            throw ValidationError("--bytes takes multiples of \(size) for \((dtype ?? .float32).rawValue)")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        guard !console.outputIsTerminal else { throw .bitsToTerminal }
        let path = entropySocket ?? path(beside: options.path(console))
        guard format == .bits else { return try performSamples(from: path, console) }
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

    private func performSamples(from path: String, _ console: Console) throws(Failure) -> MectlExit {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SampleStream.chunk, alignment: 16)
        defer {
            buffer.initializeMemory(as: UInt8.self, repeating: 0)
            buffer.deallocate()
        }
        let stream = try samples(from: path) { () throws(SampleStream.Failed) in
            try SampleStream(path: path, allowsSimulated: allowSimulated) { Self.tellWait(console) }
        }
        var left = bytes ?? .max
        var provenance: Provenance?
        while left > 0 {
            // The rest of a recording that makes no whole piece is left.
            let size = provenance == nil || provenance == .replay ? Self.replayedPiece : SampleStream.chunk
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(min(left, size)))
            do throws(Failure) {
                try samples(from: path) { () throws(SampleStream.Failed) in
                    try stream.fill(part, format, dtype ?? .float32)
                }
            } catch .samples(.notHealthy, _, _) where provenance == .replay {
                return try end(left: left, console)
            }
            if provenance == nil {
                provenance = stream.provenance
                if let provenance { Self.tellProvenance(provenance, console) }
            }
            try write(UnsafeRawBufferPointer(part), on: console)
            if bytes != nil { left -= part.count }
        }
        return .success
    }

    private func samples<Result>(
        from path: String, _ body: () throws(SampleStream.Failed) -> Result
    ) throws(Failure) -> Result {
        do {
            return try body()
        } catch {
            throw .samples(
                exitCode(of: error.status), error.message, remedy: remedy(for: error.status, at: path))
        }
    }

    private func remedy(for status: metrng_status, at path: String) -> SamplesRemedy? {
        switch status {
        case METRNG_NOT_GENUINE: .allow
        case METRNG_UNREACHABLE: .start
        case METRNG_NOT_PERMITTED: .access(path: path)
        case METRNG_PROTOCOL_VIOLATION: .otherSocket
        default: nil
        }
    }

    private func exitCode(of status: metrng_status) -> MectlExit {
        switch status {
        case METRNG_UNREACHABLE, METRNG_DISCONNECTED, METRNG_OVER_QUOTA: .unreachable
        case METRNG_NOT_PERMITTED, METRNG_DENIED: .notPermitted
        case METRNG_UNAVAILABLE: .notHealthy
        default: .failure
        }
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
            Self.tellWait(console)
            try read(buffer, from: connection)
        }
        if let provenance = connection.origin?.provenance { Self.tellProvenance(provenance, console) }
    }

    private static func tellWait(_ console: Console) {
        console.tell("mectl: note: waiting for bits; mectl status says why there are none\n")
    }

    private static func tellProvenance(_ provenance: Provenance, _ console: Console) {
        guard !provenance.isGenuine else { return }
        console.tell("mectl: note: these bits are \(provenance.name), not random\n")
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
