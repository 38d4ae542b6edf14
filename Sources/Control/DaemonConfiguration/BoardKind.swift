// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms

extension BoardSettings {
    /// The kinds of boards, and all that the configuration knows of each. How one is made is told by `BoardKinds.swift`
    /// of the daemon.
    package enum Kind: String, Sendable, CaseIterable {
        /// A board on the USB.
        case usb
        /// A simulated array. Its bits are never served as anything but simulated.
        case simulated
        /// A recording, whose bits are not secret.
        case replay
        /// A hardware random number generator, another character device or a FIFO of this machine.
        case host

        /// Whether `lanes` is the number of its lanes. Otherwise only the board or the recording itself can tell.
        package var hasLanesSetting: Bool {
            switch self {
            case .simulated, .host: true
            case .usb, .replay: false
            }
        }

        /// Whether it is what `path` names.
        var hasPath: Bool {
            switch self {
            case .replay, .host: true
            case .usb, .simulated: false
            }
        }

        /// Whether its bits come from an array, which has an operating point and a temperature.
        package var isArray: Bool {
            switch self {
            case .usb, .simulated, .replay: true
            case .host: false
            }
        }
    }

    package var provenance: Provenance {
        switch kind {
        case .usb: usb.simulated ? .simulated : .hardware
        case .simulated: .simulated
        case .replay: .replay
        case .host: .host
        }
    }
}
