// SPDX-License-Identifier: Apache-2.0

public import EntropyTerms

/// The reason that no bits were read. Each case says what happened; `description` adds what to do.
public enum EntropyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The socket is not served: there is no such file, or no daemon behind it.
    case unreachable(path: String, reason: String)
    /// This user may not open the socket.
    case notPermitted(path: String)
    /// The bits are simulated or replayed, and the connection was not told to accept them.
    case notGenuine(Provenance)
    /// There are no bits now, and the call does not wait; or all boards have ended.
    case unavailable
    /// The daemon does not offer this grade or kind of request.
    case notOffered
    /// The daemon denies this client the bits.
    case denied
    /// The daemon is at its limit of clients.
    case overQuota
    /// The daemon is stopping.
    case shuttingDown
    /// The connection ended in the middle of a reply, or had ended before.
    case disconnected
    /// The peer does not speak MEP/1.
    case protocolViolation(String)

    /// What happened, and the next thing to try.
    public var description: String {
        switch self {
        case .unreachable(let path, let reason):
            "cannot reach the entropy daemon at \(path): \(reason); is metrngd running?"
        case .notPermitted(let path):
            "not permitted to open \(path); ask to be added to the group of the socket"
        case .notGenuine(let provenance):
            "the daemon serves \(provenance.name) bits, which are not random;"
                + " allow them explicitly if that is what you want"
        case .unavailable:
            "no bits are available now; `mectl status` says why"
        case .notOffered:
            "the daemon does not offer this request"
        case .denied:
            "the daemon refuses to serve this client"
        case .overQuota:
            "the daemon has reached its limit of clients; raise entropy.maximumClients"
        case .shuttingDown:
            "the daemon is stopping"
        case .disconnected:
            "the connection to the entropy daemon has ended; connect again"
        case .protocolViolation(let what):
            "the peer does not speak MEP/1: \(what)"
        }
    }
}
