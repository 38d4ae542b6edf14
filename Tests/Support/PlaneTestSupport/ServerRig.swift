// SPDX-License-Identifier: Apache-2.0

package import EntropyRing
package import EntropyServer
package import EntropyTerms
package import LinuxPlatform
package import TestSupport

/// An entropy server on a socket of its own, whose rings the test fills.
package final class ServerRig: Sendable {
    /// What a rig is made with; tests change what they are about.
    package struct Setup: Sendable {
        /// A source for each.
        package var provenances: [Provenance]
        package var ringBytes: Int
        package var maximumClients: Int
        package var isOpen: Bool
        package var info: @Sendable () -> [UInt8]
        /// Whether there is a socket of EGD, and whether its clients get simulated bits.
        package var egd: (isServed: Bool, allowsSimulated: Bool) = (false, false)

        package init(
            provenances: [Provenance] = [.hardware], ringBytes: Int = 1 << 16,
            maximumClients: Int = 64, isOpen: Bool = true,
            info: @escaping @Sendable () -> [UInt8] = { Array("{}".utf8) }
        ) {
            self.provenances = provenances
            self.ringBytes = ringBytes
            self.maximumClients = maximumClients
            self.isOpen = isOpen
            self.info = info
        }
    }

    package let directory: TemporaryDirectory
    package let sources: [EntropySource]
    package let server: EntropyServer
    private let isStopped = Flag()

    package init(_ setup: Setup = Setup()) throws(SystemError) {
        directory = TemporaryDirectory()
        let bitsArrived = try Wakeup()
        let sources = try Self.makeSources(
            setup.provenances, ringBytes: setup.ringBytes, bitsArrived: bitsArrived)
        if setup.isOpen { for source in sources { source.open() } }
        self.sources = sources
        let egd =
            setup.egd.isServed
            ? EntropyServer.EGD(
                listener: Self.listener(directory.file("g")), maximumClients: 8,
                allowsSimulated: setup.egd.allowsSimulated, processID: 4711) : nil
        server = try EntropyServer(
            EntropyServer.Parts(
                listener: Self.listener(directory.file("e")), sources: sources, bitsArrived: bitsArrived, egd: egd,
                info: setup.info),
            maximumClients: setup.maximumClients)
    }

    private static func listener(_ path: String) -> UnixListener {
        do {
            return try UnixListener(path: path, mode: 0o600)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Makes a source of each provenance, with rings for the grades `raw` and `full`.
    ///
    /// - Parameter bitsArrived: nil for a wake-up that nobody waits for.
    package static func makeSources(
        _ provenances: [Provenance], ringBytes: Int, bitsArrived: Wakeup? = nil
    ) throws(SystemError) -> [EntropySource] {
        let bitsArrived = if let bitsArrived { bitsArrived } else { try Wakeup() }
        var sources: [EntropySource] = []
        for provenance in provenances {
            sources.append(
                try EntropySource(
                    name: "source-\(sources.count)", provenance: provenance,
                    raw: EntropyRing(capacity: ringBytes, locked: false),
                    full: EntropyRing(capacity: ringBytes, locked: false),
                    bitsArrived: bitsArrived))
        }
        return sources
    }

    /// The path of the socket.
    package var path: String { directory.file("e") }

    /// The first source.
    package var source: EntropySource { sources[0] }

    /// A client of the socket of EGD.
    package func connectToEGD() throws(SystemError) -> RawClient { try RawClient(path: directory.file("g")) }

    package func connect() throws(SystemError) -> RawClient { try RawClient(path: path) }

    /// A server that does not stop.
    package struct Hang: Error {}

    /// Lets `body` run, and stops the server.
    package static func run(
        _ setup: Setup = Setup(), _ body: (ServerRig) throws -> Void
    ) throws {
        let rig = try ServerRig(setup)
        do {
            try body(rig)
        } catch {
            try rig.stop()
            throw error
        }
        try rig.stop()
    }

    /// Stops the server, if that was not done before.
    package func stop() throws {
        guard !isStopped.isRaised else { return }
        isStopped.raise()
        guard try finishes({ [server] in server.stop() }) else { throw Hang() }
    }

    /// Keeps the rings of a grade full of tagged words while `body` runs. Those of source n begin at
    /// n · 2³².
    package func filling<Result>(
        _ grade: Grade = .full, _ body: () throws -> Result
    ) throws -> Result {
        let fillers = try sources.enumerated().map { index, source in
            try RingFiller(source, grade, from: UInt64(index) << 32)
        }
        defer { for filler in fillers { filler.stop() } }
        return try body()
    }
}

/// A thread that keeps a ring full of tagged words.
package final class RingFiller: Sendable {
    private let isStopping = Flag()
    private let source: EntropySource
    private let thread: WorkerThread

    package init(
        _ source: EntropySource, _ grade: Grade, from first: UInt64 = 0
    ) throws(SystemError) {
        self.source = source
        let isStopping = isStopping
        thread = try WorkerThread(name: "test-filler") {
            guard let ring = source.ring(of: grade) else { return }
            var next = first
            while !isStopping.isRaised {
                source.waitForSpace {
                    isStopping.isRaised || ring.free >= TaggedStream.wordBytes
                }
                next += Self.fill(source, ring, from: next)
            }
        }
    }

    /// Call it once.
    package func stop() {
        isStopping.raise()
        source.wakeProducer()
        thread.join()
    }

    /// - Returns: how many words were put in.
    private static func fill(
        _ source: EntropySource, _ ring: EntropyRing, from number: UInt64
    ) -> UInt64 {
        let span = ring.writableSpan()
        let words = span.count / TaggedStream.wordBytes
        let count = words * TaggedStream.wordBytes
        TaggedStream.write(
            from: number, into: UnsafeMutableRawBufferPointer(rebasing: span[..<count]))
        source.publish(count, in: ring)
        return UInt64(words)
    }
}
