// SPDX-License-Identifier: Apache-2.0

import CMetrng
import EntropyProtocol
public import EntropyTerms
import Glibc
import LinuxPlatform

/// A connection to metrngd, from which bytes can be read.
///
/// Not thread-safe: one thread at a time. Calls block. Every byte that a call returns was delivered to
/// this client and to no other, ever.
///
/// After a restart of the daemon, a call reconnects and repeats its request; the part of an interrupted
/// reply that had arrived is overwritten, and was delivered to no other client. After an error other than
/// `unavailable`, `disconnected`, `shuttingDown` and `unreachable` the connection can no longer be used.
///
/// A forked child gets none of its parent's bits: its first call finds the connection lost, and connects again.
///
/// ```swift
/// let connection = try EntropyConnection()
/// let key = try connection.read(count: 32)
/// ```
public final class EntropyConnection {
    /// The socket that METRNG_SOCKET of the environment names, otherwise where metrngd usually listens.
    public static var defaultPath: String {
        if let path = getenv("METRNG_SOCKET"), path.pointee != 0 { return String(cString: path) }
        return "/run/metrng/entropy.sock"
    }

    /// The origin of the bytes in the last reply.
    public struct Origin: Equatable, Sendable {
        /// Where the bytes come from.
        public let provenance: Provenance
        /// How they were processed.
        public let grade: Grade
        /// Counts the changes of the health verdict of the lanes behind them.
        public let healthEpoch: UInt32
    }

    /// Where the bytes of the last `read` come from; nil before the first. A read of more than
    /// 1,048,576 bytes is several requests: when one of them was answered with bits that are not
    /// genuine, that is their origin, otherwise it is that of the last.
    public private(set) var origin: Origin?

    private enum State {
        /// The daemon does not know yet what this client is.
        case new(Descriptor)
        case connected(Descriptor)
        /// The daemon is gone; the next call connects again.
        case lost
        /// After an error that reconnecting does not resolve.
        case spent
    }

    private let path: String
    private let allowsSimulated: Bool
    private let reconnectNanoseconds: UInt64
    private var state: State
    private var tag: UInt64 = 0
    private let forkMark: ForkMark

    /// The rest between two attempts to connect again, in microseconds.
    private static let rest: UInt32 = 20_000

    /// Connects to the daemon.
    ///
    /// - Parameters:
    ///   - path: of the daemon's entropy socket.
    ///   - allowsSimulated: whether bits that are not random (simulated or replayed) are accepted.
    ///     Otherwise a read that meets such bits throws, and they are not returned.
    ///   - reconnectSeconds: for how long a call tries to reach a daemon again that has gone, before it
    ///     throws; 0 does not try. A call that does not wait tries once. This one does not: it throws
    ///     when there is no daemon.
    public init(
        path: String = EntropyConnection.defaultPath, allowsSimulated: Bool = false,
        reconnectSeconds: Double = 10
    ) throws(EntropyError) {
        precondition(reconnectSeconds >= 0)
        self.path = path
        self.allowsSimulated = allowsSimulated
        reconnectNanoseconds = UInt64(min(reconnectSeconds, 1e9) * 1e9)
        do {
            forkMark = try ForkMark()
        } catch {
            throw .unreachable(path: path, reason: error.reason)
        }
        state = .new(try Self.connect(path))
    }

    private static func connect(_ path: String) throws(EntropyError) -> Descriptor {
        do {
            return try connectUnixSocket(path: path)
        } catch {
            switch error.code {
            case EACCES, EPERM: throw .notPermitted(path: path)
            default: throw .unreachable(path: path, reason: error.reason)
            }
        }
    }

    /// Fills `buffer` with bytes of a grade.
    ///
    /// - Parameters:
    ///   - buffer: receives the bytes.
    ///   - grade: how they are processed; `expand` is not offered.
    ///   - waits: whether to wait for bits when there are too few. Otherwise, or if all boards have ended and
    ///     there will never be enough, `unavailable` is thrown.
    /// - Throws: on an error the contents of `buffer` must not be used.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, grade: Grade = .full, waits: Bool = true
    ) throws(EntropyError) {
        var rest = buffer[...]
        var whole: Origin?
        while !rest.isEmpty {
            let part = rest.prefix(Int(EntropyProtocolLimits.readLengths.upperBound))
            let latest = try reconnecting(waits: waits) { () throws(EntropyError) in
                try readOnce(UnsafeMutableRawBufferPointer(rebasing: part), grade, waits: waits)
            }
            if whole?.provenance.isGenuine ?? true { whole = latest }
            rest = rest.dropFirst(part.count)
        }
        if let whole { origin = whole }
    }

    /// `count` bytes of a grade.
    public func read(
        count: Int, grade: Grade = .full, waits: Bool = true
    ) throws(EntropyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: EntropyError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(EntropyError) {
                try read(into: buffer, grade: grade, waits: waits)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// The JSON object in which the daemon describes itself: version, limits, grades, boards.
    public func information() throws(EntropyError) -> String {
        try reconnecting(waits: true) { () throws(EntropyError) in
            let (reply, socket) = try exchange(.info(tag: nextTag()))
            return try text(of: reply, from: socket)
        }
    }

    // MARK: A daemon that goes and comes

    /// Does it again, after connecting again, when the daemon was lost meanwhile.
    private func reconnecting<Answer>(
        waits: Bool, _ ask: () throws(EntropyError) -> Answer
    ) throws(EntropyError) -> Answer {
        // The socket is the parent's: what comes on it is for the parent.
        if forkMark.takeForked() {
            switch state {
            case .new, .connected: state = .lost
            case .lost, .spent: break
            }
        }
        guard reconnectNanoseconds > 0 else { return try ask() }
        let end = monotonicNanoseconds() + (waits ? reconnectNanoseconds : 0)
        var isFirst = true
        while true {
            do throws(EntropyError) {
                if case .lost = state { state = .new(try Self.connect(path)) }
                return try ask()
            } catch {
                guard error.isOfLostDaemon, isFirst || monotonicNanoseconds() < end else {
                    throw error
                }
            }
            if !isFirst { usleep(Self.rest) }
            isFirst = false
        }
    }

    // MARK: One request

    private func nextTag() -> UInt64 {
        tag += 1
        return tag
    }

    private func readOnce(
        _ buffer: UnsafeMutableRawBufferPointer, _ grade: Grade, waits: Bool
    ) throws(EntropyError) -> Origin {
        let request = EntropyRequest.read(
            UInt32(buffer.count), grade: grade, flags: waits ? [] : .nonBlocking, tag: nextTag())
        let (reply, socket) = try exchange(request)
        guard reply.grade == grade, Int(reply.length) == buffer.count else {
            throw broken("the reply does not match the request")
        }
        guard allowsSimulated || reply.provenance.isGenuine else {
            // The bits are in flight; without the connection no client gets them.
            throw ended(.notGenuine(reply.provenance))
        }
        try receive(into: buffer, from: socket)
        return Origin(
            provenance: reply.provenance, grade: reply.grade, healthEpoch: reply.healthEpoch)
    }

    private func exchange(
        _ request: EntropyRequest
    ) throws(EntropyError) -> (EntropyReply, Descriptor) {
        let socket = try introduced()
        return (try exchange(request, followedBy: "", on: socket), socket)
    }

    /// Sends a request and the bytes that belong to it, and takes the header of its reply.
    private func exchange(
        _ request: EntropyRequest, followedBy text: String, on socket: Descriptor
    ) throws(EntropyError) -> EntropyReply {
        // A failure to send may come with a last word that explains it, so it is read first.
        var isSent = send(request, to: socket)
        if !text.isEmpty { isSent = isSent && send(text, to: socket) }
        guard let reply = try receiveHeader(from: socket) else {
            throw broken("the reply has an invalid header")
        }
        try checkLastWord(reply.status)
        guard isSent, reply.tag == request.tag else {
            throw broken("the reply belongs to another request")
        }
        guard reply.status == .ok else { throw .unavailable }
        return reply
    }

    // MARK: Introduction

    /// What `mectl status` shows of a client.
    private static let name = ClientName("Swift, libmetrng \(String(cString: metrng_version()))")

    /// The connection to a daemon that knows what this client is, if it can be told.
    private func introduced() throws(EntropyError) -> Descriptor {
        switch state {
        case .connected(let socket): return socket
        case .lost, .spent: throw .disconnected
        case .new(let socket):
            state = .connected(socket)
            let offer = try text(of: try exchange(.info(), followedBy: "", on: socket), from: socket)
            if let name = Self.name, offer.offersName {
                _ = try exchange(.name(name), followedBy: name.text, on: socket)
            }
            return socket
        }
    }

    private func text(of reply: EntropyReply, from socket: Descriptor) throws(EntropyError) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(reply.length))
        try receive(&bytes, from: socket)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Throws for a status after which the connection is of no use, whatever request it belongs to.
    private func checkLastWord(_ status: EntropyReply.Status) throws(EntropyError) {
        switch status {
        case .ok, .unavailable: return
        case .denied: throw ended(.denied)
        case .badRequest: throw ended(.notOffered)
        case .overQuota: throw ended(.overQuota)
        case .shuttingDown: throw ended(.shuttingDown)
        }
    }

    private func broken(_ what: String) -> EntropyError { ended(.protocolViolation(what)) }

    /// What comes on the connection is not read any more: nobody gets it.
    private func ended(_ error: EntropyError) -> EntropyError {
        state = error.isOfLostDaemon ? .lost : .spent
        return error
    }

    // MARK: Bytes

    private func send(_ request: EntropyRequest, to socket: Descriptor) -> Bool {
        // In line: a read allocates nothing.
        var message = InlineArray<16, UInt8>(repeating: 0)
        var span = message.mutableSpan
        return span.withUnsafeMutableBytes { message in
            request.write(to: message)
            return send(UnsafeRawBufferPointer(message), to: socket)
        }
    }

    private func send(_ text: String, to socket: Descriptor) -> Bool {
        var text = text
        return text.withUTF8 { send(UnsafeRawBufferPointer($0), to: socket) }
    }

    private func send(_ bytes: UnsafeRawBufferPointer, to socket: Descriptor) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let result = transfer {
                Glibc.send(socket.raw, part.baseAddress, part.count, Int32(MSG_NOSIGNAL))
            }
            guard case .moved(let count) = result else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// The next header; nil when it is none that this version of the protocol knows.
    private func receiveHeader(from socket: Descriptor) throws(EntropyError) -> EntropyReply? {
        var header = InlineArray<24, UInt8>(repeating: 0)
        var span = header.mutableSpan
        return try span.withUnsafeMutableBytes { (header) throws(EntropyError) in
            try receive(into: header, from: socket)
            return EntropyReply(parsing: UnsafeRawBufferPointer(header))
        }
    }

    private func receive(_ bytes: inout [UInt8], from socket: Descriptor) throws(EntropyError) {
        var failure: EntropyError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(EntropyError) { try receive(into: buffer, from: socket) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func receive(
        into buffer: UnsafeMutableRawBufferPointer, from socket: Descriptor
    ) throws(EntropyError) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let target = UnsafeMutableRawBufferPointer(rebasing: rest)
            let result = transfer { recv(socket.raw, target.baseAddress, target.count, 0) }
            guard case .moved(let count) = result else { throw ended(.disconnected) }
            rest = rest.dropFirst(count)
        }
    }
}

extension String {
    /// Whether a daemon that describes itself so takes a NAME.
    fileprivate var offersName: Bool {
        guard let operations = firstRange(of: "\"operations\":["),
            let end = self[operations.upperBound...].firstIndex(of: "]")
        else { return false }
        return self[operations.upperBound..<end].split(separator: ",").contains("\"name\"")
    }
}

extension EntropyError {
    /// Whether the daemon is gone, and may come back.
    fileprivate var isOfLostDaemon: Bool {
        switch self {
        case .disconnected, .shuttingDown, .unreachable: true
        case .notPermitted, .notGenuine, .unavailable, .notOffered, .denied, .overQuota,
            .protocolViolation:
            false
        }
    }
}
