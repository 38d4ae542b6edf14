// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyTerms
import Glibc
import LinuxPlatform
import PlaneTestSupport
import TestSupport

/// A client that asks at random, in pieces, reads when it likes, and may send nonsense or die at any time.
///
/// Nothing it does waits. For the simulation's thread alone.
final class SimulationClient {
    /// How a client behaves.
    enum Temper: CaseIterable {
        case eager
        case slow
        /// It asks and never reads.
        case deaf
        case impatient
        case hostile
        case shortLived
    }

    /// What came in, for the promises.
    enum Arrival {
        /// The header of a reply to a request, with the epoch of each source when the request was sent.
        case reply(EntropyReply, to: EntropyRequest)
        case bytes(ArraySlice<UInt8>, of: EntropyReply)
        /// A reply that nothing was asked for, or bytes that are none.
        case nonsense(String)
    }

    private enum Inbound {
        case header([UInt8])
        case body(EntropyReply, EntropyRequest, left: Int)
    }

    let temper: Temper
    private let path: String
    private var random: SeededGenerator
    private(set) var socket: Descriptor?
    private var outgoing: [UInt8] = []
    /// Requests that were sent in full or in part, and not answered in full yet.
    private var asked: [EntropyRequest] = []
    /// The end of what was written that is no whole request yet, or that the server will refuse.
    private var unfinished: [UInt8] = []
    private var inbound = Inbound.header([])
    private var nextTag: UInt64 = 0
    /// Whether the server will refuse what `unfinished` begins with, and close the connection.
    private var willBeRefused = false

    init(_ temper: Temper, path: String, seed: UInt64) {
        self.temper = temper
        self.path = path
        random = SeededGenerator(seed)
    }

    var isConnected: Bool { socket != nil }

    /// The request that waits for a reply of which nothing has come; nil when there is none, and when something was
    /// written that is no request.
    var waitingRequest: EntropyRequest? {
        guard let socket, outgoing.isEmpty, unfinished.isEmpty, case .header(let bytes) = inbound,
            bytes.isEmpty
        else { return nil }
        var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0 ? nil : asked.first
    }

    /// Does one thing.
    func act(_ onArrival: (Arrival) -> Void) {
        guard isConnected else { return connect() }
        switch Int.random(in: 0..<16, using: &random) {
        case 0..<4: ask()
        case 4..<8: send()
        case 8 where temper == .shortLived: die()
        case 9 where temper == .hostile: sendNonsense()
        default: if temper != .deaf { receive(limit: temper == .slow ? 500 : 100_000, onArrival) }
        }
    }

    /// Reads all that is there, and hangs up.
    func finish(_ onArrival: (Arrival) -> Void) {
        while isConnected, receive(limit: 100_000, onArrival) > 0 {}
        die()
    }

    func die() {
        // A child that another test is about to start may have a copy of the socket for a moment, and closing alone would
        // reach the server after that only.
        if let socket { shutdown(socket.raw, Int32(SHUT_RDWR)) }
        socket = nil
        outgoing = []
        asked = []
        unfinished = []
        inbound = .header([])
        willBeRefused = false
    }

    // MARK: Out

    private func connect() {
        guard let descriptor = try? connectUnixSocket(path: path, waits: false) else { return }
        _ = fcntl(descriptor.raw, F_SETFL, O_NONBLOCK)
        socket = descriptor
    }

    private func ask() {
        guard asked.count < 8 else { return }
        nextTag += 1
        let request =
            Int.random(in: 0..<32, using: &random) == 0
            ? EntropyRequest.info(tag: nextTag)
            : .read(
                UInt32(1 << Int.random(in: 0...16, using: &random)) + UInt32(random.next() & 31),
                grade: Bool.random(using: &random) ? .full : .raw,
                flags: temper == .impatient ? .nonBlocking : [], tag: nextTag)
        write(request.bytes)
    }

    private func sendNonsense() {
        write(random.bytes(Int.random(in: 1...40, using: &random)))
    }

    /// Nonsense can be a request, alone or with what follows it, so what was asked is read from what was written.
    private func write(_ bytes: [UInt8]) {
        outgoing += bytes
        unfinished += bytes
        while !willBeRefused, let count = noteRequest() { unfinished.removeFirst(count) }
        send()
    }

    /// Notes the request that `unfinished` begins with.
    ///
    /// - Returns: its bytes; nil when it is no whole and valid one.
    private func noteRequest() -> Int? {
        guard unfinished.count >= EntropyRequest.byteCount else { return nil }
        guard let request = unfinished.withUnsafeBytes({ EntropyRequest(parsing: $0) }) else {
            willBeRefused = true
            return nil
        }
        let nameCount = request.operation == .name ? Int(request.length) : 0
        let name = unfinished.dropFirst(EntropyRequest.byteCount).prefix(nameCount)
        guard name.count == nameCount else { return nil }
        if nameCount > 0, name.withUnsafeBytes({ ClientName(parsing: $0) }) == nil {
            willBeRefused = true
            return nil
        }
        asked.append(request)
        return EntropyRequest.byteCount + nameCount
    }

    private func send() {
        guard let socket, !outgoing.isEmpty else { return }
        let count = Int.random(in: 1...outgoing.count, using: &random)
        let sent = outgoing.withUnsafeBytes {
            Glibc.send(socket.raw, $0.baseAddress, count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        if sent > 0 { outgoing.removeFirst(sent) } else if sent < 0, errno != EAGAIN { die() }
    }

    // MARK: In

    @discardableResult
    private func receive(limit: Int, _ onArrival: (Arrival) -> Void) -> Int {
        guard let socket else { return 0 }
        var bytes = [UInt8](repeating: 0, count: Int.random(in: 1...limit, using: &random))
        let count = recv(socket.raw, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        guard count > 0 else {
            if count == 0 || errno != EAGAIN { die() }
            return 0
        }
        var rest = bytes[..<count]
        while !rest.isEmpty { rest = take(rest, onArrival) }
        return count
    }

    /// Takes the next piece of what was received.
    ///
    /// - Returns: what is left.
    private func take(
        _ bytes: ArraySlice<UInt8>, _ onArrival: (Arrival) -> Void
    ) -> ArraySlice<UInt8> {
        switch inbound {
        case .header(let start):
            let piece = bytes.prefix(EntropyReply.byteCount - start.count)
            let header = start + piece
            inbound = .header(header)
            if header.count == EntropyReply.byteCount { begin(header, onArrival) }
            return bytes.dropFirst(piece.count)
        case .body(let reply, let request, let left):
            let piece = bytes.prefix(left)
            if request.operation == .read { onArrival(.bytes(piece, of: reply)) }
            inbound =
                piece.count == left
                ? .header([]) : .body(reply, request, left: left - piece.count)
            return bytes.dropFirst(piece.count)
        }
    }

    private func begin(_ header: [UInt8], _ onArrival: (Arrival) -> Void) {
        inbound = .header([])
        guard let reply = header.withUnsafeBytes({ EntropyReply(parsing: $0) }) else {
            return onArrival(.nonsense("the header \(header)"))
        }
        // What is refused for nonsense, and at the limit of clients, was not asked for.
        if reply.status == .overQuota || (willBeRefused && reply.status == .badRequest) { return }
        guard let request = asked.first, request.tag == reply.tag else {
            return onArrival(.nonsense("a reply with tag \(reply.tag)"))
        }
        asked.removeFirst()
        if reply.length > 0 { inbound = .body(reply, request, left: Int(reply.length)) }
        onArrival(.reply(reply, to: request))
    }
}
