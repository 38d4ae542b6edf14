// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
public import EntropyTerms
import Glibc
import LinuxPlatform

/// A connection to metrngd, from which bytes can be read.
///
/// Not thread-safe: one thread at a time. Calls block. Every byte that a call returns was given to
/// this client and to nobody else, ever. After an error other than `unavailable` the connection is
/// of no use any more; make a new one.
///
/// ```swift
/// let connection = try EntropyConnection()
/// let key = try connection.read(count: 32)
/// ```
public final class EntropyConnection {
    /// Where metrngd listens unless it is configured otherwise.
    public static let defaultPath = "/run/metrng/entropy.sock"

    /// What the daemon said about the bytes of the last answer.
    public struct Origin: Equatable, Sendable {
        /// Where the bytes come from.
        public let provenance: Provenance
        /// What was done to them.
        public let grade: Grade
        /// Counts the changes of the health verdict of the lanes behind them.
        public let healthEpoch: UInt32
    }

    /// Where the bytes of the last `read` come from; nil before the first. A read of more than
    /// 1,048,576 bytes is several requests: when one of them was answered with bits that are not
    /// genuine, that is their origin, otherwise it is that of the last.
    public private(set) var origin: Origin?

    private let socket: Descriptor
    private let allowsSimulated: Bool
    private var isUsable = true
    private var tag: UInt64 = 0

    /// Connects to the daemon.
    ///
    /// - Parameters:
    ///   - path: of the daemon's entropy socket.
    ///   - allowsSimulated: whether bits that are not random (simulated or replayed) are accepted.
    ///     Otherwise a read that meets such bits throws, and they are not returned.
    public init(
        path: String = EntropyConnection.defaultPath, allowsSimulated: Bool = false
    ) throws(EntropyError) {
        self.allowsSimulated = allowsSimulated
        do {
            socket = try connectUnixSocket(path: path)
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
    ///   - waits: whether to wait for bits when there are too few; otherwise, or when so many will never
    ///     come because all boards have ended, `unavailable` is thrown.
    /// - Throws: on an error the contents of `buffer` must not be used.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, grade: Grade = .full, waits: Bool = true
    ) throws(EntropyError) {
        var rest = buffer[...]
        var whole: Origin?
        while !rest.isEmpty {
            let part = rest.prefix(Int(EntropyProtocolLimits.readLengths.upperBound))
            let latest = try readOnce(
                UnsafeMutableRawBufferPointer(rebasing: part), grade, waits: waits)
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
        let reply = try exchange(.info(tag: nextTag()))
        var bytes = [UInt8](repeating: 0, count: Int(reply.length))
        try receive(&bytes)
        return String(decoding: bytes, as: UTF8.self)
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
        let reply = try exchange(request)
        guard reply.grade == grade, Int(reply.length) == buffer.count else {
            throw broken("the answer is not what was asked for")
        }
        guard allowsSimulated || reply.provenance.isGenuine else {
            // The bits are on their way; without the connection nobody gets them.
            isUsable = false
            shutdown(socket.raw, Int32(SHUT_RDWR))
            throw .notGenuine(reply.provenance)
        }
        try receive(into: buffer)
        return Origin(
            provenance: reply.provenance, grade: reply.grade, healthEpoch: reply.healthEpoch)
    }

    private func exchange(_ request: EntropyRequest) throws(EntropyError) -> EntropyReply {
        guard isUsable else { throw .disconnected }
        // A failure to send may come with a last word that explains it, so it is read first.
        let isSent = send(request.bytes)
        var header = [UInt8](repeating: 0, count: EntropyReply.byteCount)
        try receive(&header)
        guard let reply = header.withUnsafeBytes({ EntropyReply(parsing: $0) }) else {
            throw broken("the header of the answer is not valid")
        }
        try checkLastWord(reply.status)
        guard isSent, reply.tag == request.tag else {
            throw broken("the answer belongs to another request")
        }
        guard reply.status == .ok else { throw .unavailable }
        return reply
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

    private func ended(_ error: EntropyError) -> EntropyError {
        isUsable = false
        return error
    }

    // MARK: Bytes

    private func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = transfer {
                rest.withUnsafeBytes {
                    Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
            }
            guard case .moved(let count) = result else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func receive(_ bytes: inout [UInt8]) throws(EntropyError) {
        var failure: EntropyError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(EntropyError) { try receive(into: buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func receive(into buffer: UnsafeMutableRawBufferPointer) throws(EntropyError) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let target = UnsafeMutableRawBufferPointer(rebasing: rest)
            let result = transfer { recv(socket.raw, target.baseAddress, target.count, 0) }
            guard case .moved(let count) = result else { throw ended(.disconnected) }
            rest = rest.dropFirst(count)
        }
    }
}
