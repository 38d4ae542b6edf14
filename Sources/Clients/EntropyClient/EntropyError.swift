// SPDX-License-Identifier: Apache-2.0

public import EntropyTerms

/// Why bits could not be had. Each case says what happened; `description` adds what to do.
public enum EntropyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nobody serves the socket: there is no such file, or no daemon behind it.
    case unreachable(path: String, reason: String)
    /// This user may not open the socket.
    case notPermitted(path: String)
    /// The bits are simulated or replayed, and the session was not told to accept such.
    case notGenuine(Provenance)
    /// There are no bits now: asked not to wait, or the daemon has no healthy source.
    case unavailable
    /// The daemon does not offer this grade or kind of request.
    case notOffered
    /// The daemon denies this client the bits.
    case denied
    /// The daemon has as many clients as it may have.
    case overQuota
    /// The daemon stops.
    case shuttingDown
    /// The connection ended in the middle of an answer, or was ended before.
    case disconnected
    /// The peer does not speak MEP/1.
    case protocolViolation(String)

    /// What happened, and the next thing to try.
    public var description: String {
        switch self {
        case .unreachable(let path, let reason):
            "cannot reach the entropy daemon at \(path): \(reason); is metrngd running?"
        case .notPermitted(let path):
            "not permitted to open \(path); ask to be added to the group that may"
        case .notGenuine(let provenance):
            "the daemon serves \(provenance.name) bits, which are not random;"
                + " allow them explicitly if that is what you want"
        case .unavailable:
            "no bits are available now; `mectl status` tells why"
        case .notOffered:
            "the daemon does not offer this request"
        case .denied:
            "the daemon denies this client the bits"
        case .overQuota:
            "the daemon has as many clients as it may have; raise entropy.maximumClients"
        case .shuttingDown:
            "the daemon is stopping"
        case .disconnected:
            "the connection to the entropy daemon has ended; connect again"
        case .protocolViolation(let what):
            "the peer does not speak MEP/1: \(what)"
        }
    }
}
