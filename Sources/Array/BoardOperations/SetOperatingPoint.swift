// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import LinuxPlatform

/// Sets the operating point of a board; quantities that are left out stay. What is in the rings is discarded, and the
/// lanes are tested from the start.
package struct SetOperatingPoint: BoardOperation, Equatable {
    package typealias CodingKeys = PartialOperatingPoint.CodingKeys

    package struct Reply: Codable, Sendable, Equatable {
        package var operatingPoint: OperatingPoint

        package init(operatingPoint: OperatingPoint) { self.operatingPoint = operatingPoint }
    }

    package static let method = "SetOperatingPoint"

    package var point: PartialOperatingPoint

    package init(_ point: PartialOperatingPoint) { self.point = point }

    package init(from decoder: any Decoder) throws { point = try .init(from: decoder) }

    package func encode(to encoder: any Encoder) throws { try point.encode(to: encoder) }

    package func prepare(file: Descriptor?) throws(BoardOperationError) {
        // A call that sets no quantity would restart the tests of the lanes for nothing.
        guard !point.isEmpty else { throw .badParameter("amplitudeMillivolts") }
    }
}
