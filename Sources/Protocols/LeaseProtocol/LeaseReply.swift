// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

/// What the daemon answers on the socket of a lease.
package struct LeaseReply: Sendable, Equatable {
    /// What became of a request, or of the lease.
    package enum Status: UInt8, Sendable, CaseIterable {
        case ok = 0
        /// The request is none, or its body has another length than the operation takes; the lease ends.
        case badRequest = 1
        /// A value is outside the limits of the board or of the protocol; nothing changed.
        case outOfRange = 2
        /// The time of the lease is over; it ends.
        case expired = 3
        /// The board has gone or failed; the lease ends.
        case boardGone = 4
        /// metrngd stops; the lease ends.
        case shuttingDown = 5
        /// A device of the lease is broken; the lease ends.
        case lanesLost = 6

        /// Whether the lease ends with it, and the socket is closed.
        package var endsLease: Bool {
            switch self {
            case .ok, .outOfRange: false
            case .badRequest, .expired, .boardGone, .shuttingDown, .lanesLost: true
            }
        }
    }

    package let status: Status
    /// The states that were read; empty in every other reply.
    package let states: [UInt64]
    /// That of the request; 0 when nothing was asked.
    package let tag: UInt64

    package init(_ status: Status, states: [UInt64] = [], tag: UInt64) {
        self.status = status
        self.states = states
        self.tag = tag
    }

    package var bytes: [UInt8] {
        LeaseHeader(code: status.rawValue, length: states.count * 8, tag: tag).bytes + LaneRecords.bytes(bits: states)
    }
}
