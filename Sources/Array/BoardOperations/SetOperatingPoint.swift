// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import LinuxPlatform

/// Sets the operating point of a board; quantities that are left out stay, or are those of a preset. What is in the rings
/// is discarded, and the lanes are tested from the start.
package struct SetOperatingPoint: BoardOperation, Equatable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case amplitudeMillivolts, pulseWidthPicoseconds, biasFieldMicrotesla, preset
    }

    package struct Reply: Codable, Sendable, Equatable {
        package var operatingPoint: OperatingPoint

        package init(operatingPoint: OperatingPoint) { self.operatingPoint = operatingPoint }
    }

    package static let method = "SetOperatingPoint"

    package var point: PartialOperatingPoint
    /// The name of the preset whose quantities hold where `point` has none; nil for those in force.
    package var preset: String?

    package init(_ point: PartialOperatingPoint, preset: String? = nil) {
        self.point = point
        self.preset = preset
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        point = try PartialOperatingPoint(from: decoder)
        preset = try container.decodeIfPresent(String.self, forKey: .preset)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(preset, forKey: .preset)
        try point.encode(to: encoder)
    }

    package func prepare(file: Descriptor?) throws(BoardOperationError) {
        // A call that sets no quantity would restart the tests of the lanes for nothing.
        guard !point.isEmpty || preset != nil else { throw .badParameter("amplitudeMillivolts") }
    }
}
