// SPDX-License-Identifier: Apache-2.0

public import EntropyTerms

/// The reason that an array cannot be used. `description` says what happened and what to do.
public enum ArrayError: Error, Equatable, Sendable {
    /// The control socket is not served: there is no such file, or no daemon behind it.
    case unreachable(path: String, reason: String)
    /// This user may not open the control socket, or may not lease lanes.
    case notPermitted(path: String)
    /// The devices are a model, and the caller did not accept that.
    case notGenuine(Provenance)
    /// There is no board of that name or serial number; with `asked` empty, there is not exactly one board.
    case noSuchBoard(asked: String, boards: [String])
    /// Several boards have that serial number.
    case ambiguousBoard(asked: String, boards: [String])
    /// The board is being used for something that a lease would disturb.
    case busy(board: String)
    /// The board's lanes cannot be leased.
    case notLeasable(board: String, cause: String)
    /// The board has fewer lanes to lease than were asked for.
    case notEnoughLanes(board: String, wanted: Int, available: Int)
    /// Some of the lanes belong to another client.
    case lanesTaken(board: String, lanes: [Int])
    /// The board does not take the value.
    case outOfRange(quantity: String, value: Double, minimum: Double, maximum: Double)
    /// The board failed.
    case boardFailed(board: String, cause: String)
    /// The time of the lease has passed without a renewal.
    case expired
    /// The board has gone or failed in the middle of the lease.
    case boardGone
    /// The daemon is stopping.
    case shuttingDown
    /// Lanes of the lease have failed for good.
    case lanesLost
    /// The daemon closed the lease and did not say why.
    case disconnected
    /// The daemon has not answered for this many seconds.
    case timedOut(seconds: Int)
    /// The peer speaks another protocol.
    case protocolViolation(String)
    /// The lease is that of the process from which this one was forked.
    case ofParentProcess
}

extension ArrayError: CustomStringConvertible {
    /// What happened, and the next thing to try.
    public var description: String {
        switch self {
        case .unreachable(let path, let reason):
            "cannot reach the control socket of metrngd at \(path): \(reason.printable); is metrngd running?"
        case .notPermitted(let path):
            "metrngd at \(path) does not permit this user to lease lanes; run this as root, or ask to be added to the"
                + " group metrng-admin"
        case .notGenuine(let provenance):
            "the devices are \(provenance.name), not an array; allow that explicitly if it is what you want"
        case .noSuchBoard(let asked, let boards): Self.describe(asked: asked, boards: boards)
        case .ambiguousBoard(let asked, let boards):
            "more than one board has the serial number \(asked.printable); name one of: \(Self.list(boards))"
        case .busy(let board):
            "another operation is in progress on \(board.printable); try again when it has ended"
        case .notLeasable(let board, let cause):
            "the lanes of \(board.printable) cannot be leased: \(cause.printable)"
        case .notEnoughLanes(let board, let wanted, let available):
            "\(board.printable) has \(available) lanes to lease, not \(wanted); ask for fewer"
        case .lanesTaken(let board, let lanes):
            "\(lanes.count) lanes of \(board.printable) are leased to another client; mectl status shows to which"
        case .outOfRange(let quantity, let value, let minimum, let maximum):
            "\(quantity.printable) \(value) is outside the board's limits; it takes \(minimum) to \(maximum)"
        case .boardFailed(let board, let cause):
            "\(board.printable): \(cause.printable); see its state: mectl status"
        case .expired: "the lease has expired: it was not renewed in time"
        case .boardGone: "the board has gone; see its state: mectl status"
        case .shuttingDown: "metrngd is stopping"
        case .lanesLost: "devices of the lease have failed; try again, without them"
        case .disconnected: "metrngd closed the lease; see journalctl --unit metrngd"
        case .timedOut(let seconds): "metrngd has not answered for \(seconds) s; see journalctl --unit metrngd"
        case .protocolViolation(let what):
            "the peer does not speak MEL/1: \(what.printable); check that the versions match: mectl version"
        case .ofParentProcess: "the lease belongs to the process from which this one was forked; open another"
        }
    }

    private static func describe(asked: String, boards: [String]) -> String {
        switch (asked.isEmpty, boards.isEmpty) {
        case (true, true): "there is no board; see what metrngd looks for: mectl config show"
        case (true, false): "there is more than one board; name one of: \(list(boards))"
        case (false, true): "there is no board \(asked.printable), and no other"
        case (false, false): "there is no board \(asked.printable); there are: \(list(boards))"
        }
    }

    private static func list(_ names: [String]) -> String { names.map(\.printable).joined(separator: ", ") }
}
