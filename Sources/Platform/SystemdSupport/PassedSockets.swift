// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc
package import LinuxPlatform

/// Sockets that the service manager made before it started the daemon, by the names that its units give
/// them (sd_listen_fds(3), FileDescriptorName=). Clients can connect from then on, also while the daemon
/// starts or is started again.
package struct PassedSockets {
    private var sockets: [String: Descriptor] = [:]

    /// Why the sockets cannot be used.
    package enum Defect: Error, Equatable, CustomStringConvertible {
        /// Several sockets have the same name.
        case twice(String)
        /// The name is not one of the known ones.
        case unknown(String, known: [String])
        case system(SystemError)

        package var description: String {
            switch self {
            case .twice(let name): "the service manager passes two sockets named \(name)"
            case .unknown(let name, let known):
                "the service manager passes a socket named \(name), expected"
                    + " \(known.joined(separator: " or ")): see FileDescriptorName= of its unit"
            case .system(let error): "\(error)"
            }
        }
    }

    /// Takes the sockets passed to this process, and removes their variables from the environment. Call it once,
    /// before there is any other thread.
    ///
    /// - Parameter known: the names that they may have.
    package init(known: [String]) throws(Defect) {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        guard count >= 0 else {
            throw .system(SystemError("take the sockets from the service manager", code: -count))
        }
        defer {
            for index in 0..<Int(count) { free(names?[index]) }
            free(names)
        }
        for index in 0..<Int(count) {
            let descriptor = Descriptor(owning: SD_LISTEN_FDS_START + Int32(index))
            let name = (names?[index]).map { String(cString: $0) } ?? ""
            guard known.contains(name) else { throw .unknown(name, known: known) }
            guard sockets.updateValue(descriptor, forKey: name) == nil else { throw .twice(name) }
        }
    }

    /// The socket of a name; nil when none was passed.
    package mutating func take(_ name: String) -> Descriptor? {
        sockets.removeValue(forKey: name)
    }
}
