// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// A moment by which something has to be done.
struct Deadline {
    let milliseconds: Int
    private let end: UInt64

    init(milliseconds: Int) {
        self.milliseconds = milliseconds
        end = monotonicNanoseconds() + UInt64(max(0, milliseconds)) * 1_000_000
    }

    /// The time left, in milliseconds; 0 when the moment has come.
    var remaining: Int32 {
        let now = monotonicNanoseconds()
        return now >= end ? 0 : Int32(clamping: (end - now + 999_999) / 1_000_000)
    }
}

/// The client's end of a connection: whole messages out and in, each by a deadline.
final class ClientSocket {
    private let descriptor: Descriptor
    private var framing: MessageFraming
    /// What came with the replies.
    private var passed: Descriptor?

    init(_ descriptor: Descriptor, replyLimit: Int) {
        self.descriptor = descriptor
        framing = MessageFraming(limit: replyLimit)
    }

    /// - Parameter passed: goes with the first byte of the message.
    func send(
        _ message: [UInt8], with passed: Descriptor? = nil, by deadline: Deadline
    ) throws(VarlinkClientError) {
        var rest = message[...]
        while !rest.isEmpty {
            let sent = send(rest, with: rest.count == message.count ? passed : nil)
            switch sent {
            case .moved(let count): rest = rest.dropFirst(count)
            case .wouldBlock: try wait(for: Int16(POLLOUT), by: deadline)
            case .ended: throw .disconnected
            }
        }
    }

    private func send(_ bytes: ArraySlice<UInt8>, with passed: Descriptor?) -> Transfer {
        bytes.withUnsafeBytes { bytes in
            if let passed { return LinuxPlatform.send(bytes, with: passed, to: descriptor) }
            return transfer {
                Glibc.send(
                    descriptor.raw, bytes.baseAddress, bytes.count,
                    Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
        }
    }

    /// Takes the first descriptor that came with the replies so far.
    func takePassed() -> Descriptor? {
        defer { passed = nil }
        return passed
    }

    func receive<Parameters: Decodable>(
        _ type: Parameters.Type, by deadline: Deadline
    ) throws(VarlinkClientError) -> VarlinkReply<Parameters> {
        try VarlinkReply(parsing: receiveMessage(by: deadline))
    }

    private func receiveMessage(
        by deadline: Deadline
    ) throws(VarlinkClientError) -> ArraySlice<UInt8> {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            do throws(MessageTooLong) {
                if let message = try framing.next() { return message }
            } catch {
                throw .replyTooLong(limit: error.limit)
            }
            let received = chunk.withUnsafeMutableBytes { bytes in
                LinuxPlatform.receive(into: bytes, from: descriptor) { raw in
                    let came = Descriptor(owning: raw)
                    if passed == nil { passed = came }
                }
            }
            switch received {
            case .moved(let count): framing.append(chunk[..<count])
            case .wouldBlock: try wait(for: Int16(POLLIN), by: deadline)
            case .ended: throw .disconnected
            }
        }
    }

    /// Waits until the socket can send or has something, or is closed.
    private func wait(for events: Int16, by deadline: Deadline) throws(VarlinkClientError) {
        while true {
            var request = pollfd(fd: descriptor.raw, events: events, revents: 0)
            let remaining = deadline.remaining
            // A signal ends the wait early; what is left of it is waited for again.
            if poll(&request, 1, remaining) > 0 { return }
            guard remaining > 0 else { throw .timedOut(milliseconds: deadline.milliseconds) }
        }
    }
}
