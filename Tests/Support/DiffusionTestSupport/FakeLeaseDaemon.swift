// SPDX-License-Identifier: Apache-2.0

package import Diffusion
import BoardProtocol
import EntropyTerms
import Glibc
package import LeaseProtocol
package import LinuxPlatform
import Synchronization
package import TestSupport
package import Varlink

/// A control socket that grants leases of an array in software, on a socket in a directory of its own.
package final class FakeLeaseDaemon {
    /// What the daemon's end of a lease does. Runs on a thread of its own, and closes the socket when it returns.
    package typealias Behaviour = @Sendable (Descriptor) -> Void

    private let directory: TemporaryDirectory
    private let server: VarlinkServer
    private let interface: LeaseInterface

    package var path: String { directory.file("control.sock") }

    /// - Parameters:
    ///   - lanes: of the board.
    ///   - provenance: of the board, by its name.
    ///   - error: what every call is answered with; nil for a lease.
    ///   - directory: where the socket is.
    ///   - behaviour: at the other end of each lease.
    package init(
        lanes: Int = 128, provenance: String = "simulated", error: VarlinkError? = nil,
        in directory: TemporaryDirectory = TemporaryDirectory(), _ behaviour: @escaping Behaviour
    ) throws {
        self.directory = directory
        interface = LeaseInterface(lanes: lanes, provenance: provenance, error: error, behaviour: behaviour)
        server = try VarlinkServer(
            listener: try UnixListener(path: directory.file("control.sock"), mode: 0o600),
            info: VarlinkServiceInfo(vendor: "metrng", product: "fake", version: "1", url: ""),
            interfaces: [interface])
    }

    /// Leases that were granted go on until their clients close them.
    deinit { server.stop() }

    /// The parameters of the calls so far.
    package var calls: [JSONValue] { interface.calls.withLock { $0 } }

    /// The number of leases whose socket is still open.
    package var openLeases: Int { interface.open.value }
}

private final class LeaseInterface: VarlinkInterface {
    let name = "org.metrng.Control"
    let description = "interface org.metrng.Control\nmethod Lease() -> ()\n"
    private let lanes: Int
    private let provenance: String
    private let error: VarlinkError?
    private let behaviour: FakeLeaseDaemon.Behaviour
    let calls = Mutex<[JSONValue]>([])
    let open = Tally()

    init(
        lanes: Int, provenance: String, error: VarlinkError?, behaviour: @escaping FakeLeaseDaemon.Behaviour
    ) {
        self.lanes = lanes
        self.provenance = provenance
        self.error = error
        self.behaviour = behaviour
    }

    func call(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        guard call.method == "Lease" else { throw .methodNotFound(call.method) }
        let parameters = try call.decodeParameters(as: JSONValue.self, names: nil)
        calls.withLock { $0.append(parameters) }
        if let error { throw error }
        let count = if case .integer(let count)? = parameters["count"] { Int(count) } else { lanes }
        do {
            let (ours, theirs) = try connectedSockets()
            open.add(1)
            let thread = try WorkerThread(name: "fake-lease") { [behaviour, open] in
                behaviour(ours)
                open.add(-1)
            }
            thread.detach()
            let reply = reply(count: count, parameters)
            return .replies(.every(milliseconds: 1)) { .last(reply, socket: theirs) }
        } catch {
            throw .permissionDenied
        }
    }

    private func reply(count: Int, _ parameters: JSONValue) -> JSONValue {
        let limits: JSONValue = ["lower": 10, "upper": 2_700]
        return [
            "board": "array0", "provenance": .string(provenance), "healthEpoch": 7,
            "lanes": .array((0..<count).map { .integer(Int64($0)) }), "streamContinues": .bool(true),
            "operatingPoint": [
                "amplitudeMillivolts": 2_300, "pulseWidthPicoseconds": 134, "biasFieldMicrotesla": 0,
            ],
            "amplitudeLimits": limits, "widthLimits": limits, "fieldLimits": ["lower": -100, "upper": 100],
            "trimLimits": ["lower": -2_000, "upper": 2_000], "shotsPerSecond": 1_000_000,
            "seconds": parameters["seconds"] ?? 60,
        ]
    }
}

extension JSONValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByUnicodeScalarLiteral,
    ExpressibleByExtendedGraphemeClusterLiteral
{
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(stringLiteral value: String) { self = .string(value) }
}

/// The daemon's end of the socket of a lease.
package struct LeaseEnd {
    package let socket: Descriptor
    package let lanes: Int

    package init(_ socket: Descriptor, lanes: Int) {
        self.socket = socket
        self.lanes = lanes
    }

    /// The next command and its tag; nil when the client has closed.
    package func next() -> (command: LeaseCommand, tag: UInt64)? {
        guard let bytes = receive(LeaseHeader.byteCount), let header = LeaseHeader(parsing: bytes),
            let operation = LeaseCommand.Operation(rawValue: header.code),
            header.length == operation.bodyLength(lanes: lanes), let body = receive(header.length),
            let command = try? LeaseCommand(operation, parsing: body)
        else { return nil }
        return (command, header.tag)
    }

    package func send(_ reply: LeaseReply) { send(reply.bytes) }

    package func send(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        guard count > 0 else { return [] }
        return recv(socket.raw, &bytes, count, Int32(MSG_WAITALL)) == count ? bytes : nil
    }

    /// Does what the client asks for with an array, until the client closes.
    ///
    /// - Parameter onCommand: is told of each command before it is done; ends the lease by a status.
    package func serve(
        _ array: any DeviceArray, onCommand: (LeaseCommand) -> LeaseReply.Status? = { _ in nil }
    ) {
        var mask = LaneBits(repeating: false, count: lanes)
        while let (command, tag) = next() {
            if let end = onCommand(command) {
                send(LeaseReply(end, tag: tag))
                if end.endsLease { return }
                continue
            }
            let states = try? perform(command, on: array, &mask)
            send(LeaseReply(states == nil ? .boardGone : .ok, states: states ?? [], tag: tag))
        }
    }

    private func perform(
        _ command: LeaseCommand, on array: any DeviceArray, _ mask: inout LaneBits
    ) throws(ArrayError) -> [UInt64] {
        let tunable = array as? any TunableArray
        switch command {
        case .write(let words): try array.write(LaneBits(words: words, count: lanes), leaving: mask)
        case .pulse(let count): try array.pulse(count, leaving: mask)
        case .read: return try array.read().words
        case .mask(let words): mask = LaneBits(words: words, count: lanes)
        case .trim(let trims): try tunable?.setTrims(trims.map(Int.init))
        case .point(let point):
            try tunable?.set(
                PulsePoint(
                    amplitudeMillivolts: point.amplitudeMillivolts, widthPicoseconds: point.pulseWidthPicoseconds,
                    biasFieldMicrotesla: point.biasFieldMicrotesla))
        case .renew: break
        }
        return []
    }
}
