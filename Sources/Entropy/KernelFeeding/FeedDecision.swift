// SPDX-License-Identifier: Apache-2.0

package import EntropyClient
package import EntropyTerms
import Glibc
package import LinuxPlatform

/// The reason that the kernel was not fed.
package enum FeedRefusal: Error, Sendable, Equatable {
    /// No board gives bits now.
    case unhealthy
    /// A board stopped supplying bits while some were being fetched: those are discarded.
    case failedMeanwhile
    /// The bits are not those of an array of devices.
    case notHardware(Provenance)
    /// The bits are of a grade whose entropy is not that of their length.
    case notFull(Grade)
    /// No bits were read.
    case noBits(EntropyError)
    /// The kernel does not take any.
    case kernel(SystemError)
}

/// Which boards gave bits before a contribution was fetched, and which when it was there.
package struct FeedHealth: Sendable, Equatable {
    package let before: Set<String>
    package let after: Set<String>

    package init(before: Set<String>, after: Set<String>) {
        self.before = before
        self.after = after
    }

    /// The bits do not tell which board they are of, so that every board counts.
    fileprivate var refusal: FeedRefusal? {
        if before.isEmpty { return .unhealthy }
        return after.isSuperset(of: before) ? nil : .failedMeanwhile
    }
}

/// How many bits of entropy the kernel is credited with for bytes of this origin: their assessed min-entropy,
/// which for conditioned ones is 8 a byte. Pure.
///
/// - Throws: why they must not be fed at all.
package func creditedBits(
    byteCount: Int, provenance: Provenance, grade: Grade, health: FeedHealth
) throws(FeedRefusal) -> Int {
    guard provenance == .hardware else { throw .notHardware(provenance) }
    guard grade == .full else { throw .notFull(grade) }
    if let refusal = health.refusal { throw refusal }
    return 8 * byteCount
}

extension FeedRefusal {
    /// The cause in words.
    package var cause: String {
        switch self {
        case .unhealthy: "no board supplies healthy bits"
        case .failedMeanwhile: "a board stopped supplying bits meanwhile"
        case .notHardware(let provenance): "the bits are \(provenance.name), not hardware"
        case .notFull(let grade): "the bits are of grade \(grade.name), not full"
        case .noBits(let error): "\(error)"
        case .kernel(let error): "\(error)"
        }
    }

    /// The remedy; nil when the cause passes by itself or says it.
    package var remedy: String? {
        switch self {
        case .unhealthy: "see the status of the boards"
        case .failedMeanwhile, .noBits: nil
        case .notHardware, .notFull: "set kernel.feed to false"
        case .kernel(let error): error.feedRemedy
        }
    }
}

extension SystemError {
    fileprivate var feedRemedy: String {
        switch code {
        case EPERM:
            "it needs the capability CAP_SYS_ADMIN: install the example drop-in kernel-feeding.conf,"
                + " or set kernel.feed to false"
        case EACCES, ENOENT, ENXIO:
            "give the service access to \(subject) (DeviceAllow= of the unit), or set kernel.feed to false"
        default:
            "set kernel.feed to false if this continues"
        }
    }
}
