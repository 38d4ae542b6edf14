// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform
import LeaseProtocol

/// Talks to the client of a lease, on a thread of its own, and ends with it.
///
/// The thread waits for the socket, the results of the pipeline and the end of the lease's time, and never touches the
/// board. A client that does not read its replies is told nothing more, and loses the lease when its time is over.
package final class LeaseConnection: Sendable {
    private let lease: Lease
    private let socket: Descriptor
    private let clock: Clock

    /// Starts the thread.
    ///
    /// - Returns: the client's end of the socket.
    package static func open(_ lease: Lease, clock: Clock) throws(SystemError) -> Descriptor {
        let (ours, theirs) = try connectedSockets()
        let connection = LeaseConnection(lease, ours, clock)
        try WorkerThread(name: "metrng-lease") { connection.run() }.detach()
        return theirs
    }

    private init(_ lease: Lease, _ socket: Descriptor, _ clock: Clock) {
        self.lease = lease
        self.socket = socket
        self.clock = clock
    }

    private func run() {
        var session = LeaseSession(lanes: lease.lanes.count)
        while !session.isOver {
            wait(session)
            let (results, end) = lease.line.takeResults()
            for result in results { session.answer(result) }
            if let end { session.end(end) }
            if lease.nanosecondsLeft(clock: clock) == 0 { session.end(.expired) }
            guard exchange(&session) else { break }
        }
        // What the socket does not take now is lost with it.
        _ = send(&session)
        lease.line.release()
    }

    private func wait(_ session: LeaseSession) {
        var events: Int32 = session.wantsInput ? POLLIN : 0
        if !session.outbox.isEmpty { events |= POLLOUT }
        var requests = [
            pollfd(fd: socket.raw, events: Int16(events), revents: 0),
            pollfd(fd: lease.line.arrival.descriptor.raw, events: Int16(POLLIN), revents: 0),
        ]
        let left = (lease.nanosecondsLeft(clock: clock) + 999_999) / 1_000_000
        _ = poll(&requests, 2, Int32(clamping: left))
        if requests[1].revents != 0 { lease.line.arrival.clear() }
    }

    /// Sends and receives what is there.
    ///
    /// - Returns: false when the client has gone.
    private func exchange(_ session: inout LeaseSession) -> Bool {
        var commands = session.resume()
        if session.wantsInput {
            var buffer = [UInt8](repeating: 0, count: 16_384)
            let received = transfer { recv(socket.raw, &buffer, buffer.count, Int32(MSG_DONTWAIT)) }
            switch received {
            case .moved(let count): commands += session.received(buffer[..<count])
            case .wouldBlock: break
            case .ended: return false
            }
        }
        renew(commands)
        if !commands.isEmpty { lease.line.post(commands) }
        return send(&session)
    }

    private func renew(_ commands: [LeaseCommand]) {
        for case .renew(let seconds) in commands where LeaseLimits.seconds.contains(seconds) {
            lease.renew(seconds, clock: clock)
        }
    }

    /// Sends what the socket takes.
    ///
    /// - Returns: false when the client has gone.
    private func send(_ session: inout LeaseSession) -> Bool {
        while !session.outbox.isEmpty {
            let sent = session.outbox.withUnsafeBytes { bytes in
                transfer {
                    Glibc.send(socket.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
                }
            }
            switch sent {
            case .moved(let count): session.sent(count)
            case .wouldBlock: return true
            case .ended: return false
            }
        }
        return true
    }
}
