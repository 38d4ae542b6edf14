// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// The selection of a board on the bus, and the expectations of it.
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
    /// Whether the board must say that it is simulated. A board that says otherwise is refused, so that bits
    /// always have the expected provenance.
    package var expectsSimulated = false
    /// The quantities to set when the board is opened; the others stay as the board has them.
    package var operatingPoint = PartialOperatingPoint()

    package init() {}
}
