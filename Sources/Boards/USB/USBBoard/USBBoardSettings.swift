// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

/// Which board on the bus, and what is expected of it.
package struct USBBoardSettings: Sendable, Equatable {
    package enum Selection: Sendable, Equatable {
        /// The first that is free and not reserved.
        case any
        case serial(String)
        /// Bus and ports, as the kernel names a place: "1-2.3".
        case place(String)
    }

    /// The vendor and product numbers that a board may have.
    package struct Identifier: Sendable, Equatable {
        package let vendor: UInt16
        package let product: UInt16

        package init(vendor: UInt16, product: UInt16) {
            self.vendor = vendor
            self.product = product
        }

        package static let test = Identifier(
            vendor: BoardInterface.defaultVendor, product: BoardInterface.defaultProduct)
    }

    package var selection = Selection.any
    /// The boards that others in this process have by name: one that takes any board leaves them alone.
    package var reserved: [Selection] = []
    package var identifiers = [Identifier.test]
    /// Whether the board has to say that it is simulated. One that says otherwise is refused, so that bits
    /// never carry another provenance than the one they are expected to have.
    package var expectsSimulated = false
    /// Nil to leave a quantity of the operating point as the board has it.
    package var amplitudeMillivolts: Double?
    package var pulseWidthPicoseconds: Double?
    package var biasFieldMicrotesla: Double?

    package init() {}

    /// What the board is driven with if it would be driven with this otherwise.
    func point(from present: OperatingPoint) -> OperatingPoint {
        OperatingPoint(
            amplitudeMillivolts: amplitudeMillivolts ?? present.amplitudeMillivolts,
            pulseWidthPicoseconds: pulseWidthPicoseconds ?? present.pulseWidthPicoseconds,
            biasFieldMicrotesla: biasFieldMicrotesla ?? present.biasFieldMicrotesla)
    }
}
