// SPDX-License-Identifier: Apache-2.0

import CMetrng

/// The reason that a `NoiseSource` gave no samples.
public struct SamplingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened.
    public enum Reason: UInt32, Sendable {
        /// There is no daemon at the socket.
        case unreachable = 1
        /// This user may not open the socket.
        case notPermitted
        /// The bits are simulated or replayed, and the source was not told to accept them.
        case notGenuine
        /// No bits came in the time that the source waits, or none will come again.
        case unavailable
        /// The daemon does not offer this grade.
        case notOffered
        /// The daemon refuses to serve this client.
        case denied
        /// The daemon has as many clients as it allows.
        case overQuota
        /// The daemon went, and did not come back in the time that the source tries to reach it.
        case disconnected
        /// The peer does not speak MEP/1.
        case protocolViolation
        /// The task that waited was cancelled.
        case interrupted
        /// A mean, standard deviation, probability or path that there cannot be.
        case invalidArgument
        /// There is not enough memory, or the kernel cannot wipe memory on a fork.
        case noMemory
    }

    /// What happened, for a program.
    public let reason: Reason
    /// What happened, for a person, and the next thing to try.
    public let description: String

    /// Throws what libmetrng says of the last call on this thread, unless it succeeded.
    static func check(_ status: metrng_status) throws(SamplingError) {
        guard status != METRNG_OK else { return }
        guard let reason = Reason(rawValue: status.rawValue) else {
            preconditionFailure("only recordings fail in other ways")
        }
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            _ = metrng_error(buffer.baseAddress, buffer.count)
            return buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
        throw SamplingError(reason: reason, description: text)
    }
}
