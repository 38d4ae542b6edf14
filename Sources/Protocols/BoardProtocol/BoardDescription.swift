// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms

/// What a board is, as it says itself when it is opened. All but the operating point stays the same
/// until it is closed.
package struct BoardDescription: Sendable, Equatable {
    /// The kind of board, as in the configuration: "simulated".
    package let kind: String
    package let provenance: Provenance
    /// The serial number, unique among boards of a kind.
    package let serial: String
    /// Where it is: a bus and port path, a file, or the name of a model.
    package let path: String
    /// The version of its firmware, "major.minor".
    package let firmware: String
    /// How many lanes; a multiple of 64 from 64 to 4,096.
    package let lanes: Int
    package let encoding: LaneEncoding
    package var operatingPoint: OperatingPoint
    /// The largest payload of a frame it sends, in bytes; at most `FrameHeader.payloadLimit`.
    package let maximumPayload: Int
    /// How many times a second the board pulses its devices while it is read; nil when that is not
    /// known.
    package let shotsPerSecond: Double?
    /// What the bits of a replayed recording were when they were recorded; nil for other boards.
    package let recordedFrom: Provenance?
    /// What can be set about its devices; nil for a board that is no `TunableBoard`.
    package let tuning: Tuning?
    /// Whether its array can be written, pulsed and read beside the stream; false for a board that is no
    /// `ArrayBoard`.
    package let hasArrayOperations: Bool
    /// Whether lanes can be set aside from its stream and operated beside it; false for a board that is no
    /// `AsideBoard`.
    package let canSetLanesAside: Bool

    package static let laneLimits = 64...4096

    /// - Parameters:
    ///   - kind, serial, path, firmware: may come from a hostile board or recording; they are made printable.
    package init(
        kind: String, provenance: Provenance, serial: String, path: String, firmware: String,
        lanes: Int, encoding: LaneEncoding, operatingPoint: OperatingPoint, maximumPayload: Int,
        shotsPerSecond: Double? = nil, recordedFrom: Provenance? = nil, tuning: Tuning? = nil,
        hasArrayOperations: Bool = false, canSetLanesAside: Bool = false
    ) {
        precondition(Self.laneLimits.contains(lanes) && lanes.isMultiple(of: 64))
        precondition((1...FrameHeader.payloadLimit).contains(maximumPayload))
        self.kind = kind.printable
        self.provenance = provenance
        self.serial = serial.printable
        self.path = path.printable
        self.firmware = firmware.printable
        self.lanes = lanes
        self.encoding = encoding
        self.operatingPoint = operatingPoint
        self.maximumPayload = maximumPayload
        self.shotsPerSecond = shotsPerSecond
        self.recordedFrom = recordedFrom
        self.tuning = tuning
        self.hasArrayOperations = hasArrayOperations
        self.canSetLanesAside = canSetLanesAside
    }

    /// 64-bit words in a shot.
    package var wordsPerShot: Int { lanes / 64 }
}
