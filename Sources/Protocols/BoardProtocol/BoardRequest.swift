// SPDX-License-Identifier: Apache-2.0

/// The vendor requests of MEB/1 on endpoint 0. All go to the interface: bmRequestType is 0x41 towards the
/// board and 0xC1 from it, wIndex is the number of the interface.
package enum BoardRequest: UInt8, Sendable, CaseIterable {
    /// From the board: an `InfoRecord`.
    case getInfo = 0x01
    /// From the board: wValue 0 is a `StatusRecord`; wValue 1 + k are the resistances of lanes 1,024·k to
    /// 1,024·k + 1,023, a u32 each, in mΩ.
    case getStatus = 0x02
    /// Either way: an `OperatingPointRecord`, of the `LaneSet` in wValue. That of the stream is set only while the board
    /// does not stream.
    case operatingPoint = 0x03
    /// To the board: trims, an i16 each, of the `LaneSet` and from the lane on that `LaneSet.trimValue` packs into
    /// wValue. At any time.
    case setLaneTrim = 0x04
    /// To the board: a bit for each lane, 1 to leave its device alone, of the `LaneSet` in wValue. That of the stream is
    /// set only while the board does not stream.
    case setLaneMask = 0x05
    /// To the board, no data: discards what is buffered and streams, from sequence 0 and shot 0 on.
    case start = 0x06
    /// To the board, no data: stops at once and discards what is buffered. Allowed at any time.
    case stop = 0x07
    /// To the board, no data: sends wValue frames of the link-test pattern, or until `stop` if 0.
    case selfTest = 0x08
    /// To the board, no data: as after power-up, but for the place on the bus.
    case reset = 0x09
    /// wValue is an `ArrayOperation` or an `AsideOperation`.
    case array = 0x0A
    /// Either way: a bit for each lane, 1 to set it aside from the stream. At any time but during the link test.
    case lanesAside = 0x0B

    package static let typeToBoard: UInt8 = 0x41
    package static let typeFromBoard: UInt8 = 0xC1
    /// The most lanes in a request: Linux limits a request to 4,096 bytes.
    package static let resistancesPerRequest = 1024
    package static let trimsPerRequest = 2048
    /// How long a board may take for any request, in milliseconds.
    package static let timeLimitMilliseconds: UInt32 = 500
}

/// The lanes that an operating point, trims or a mask are for. The lanes aside have a set of each of their own.
package enum LaneSet: UInt16, Sendable, CaseIterable {
    /// The lanes that stream, and that `ArrayOperation`s act on.
    case stream = 0
    /// The lanes that `BoardRequest.lanesAside` has set aside.
    case aside = 1

    private static let trimBit: UInt16 = 15

    /// wValue of a `setLaneTrim` for this set.
    package func trimValue(firstLane: Int) -> UInt16 { rawValue << Self.trimBit | UInt16(firstLane) }

    /// The set and the first lane in wValue of a `setLaneTrim`.
    package static func parse(trimValue: UInt16) -> (set: LaneSet, firstLane: Int) {
        (trimValue >> trimBit == 0 ? .stream : .aside, Int(trimValue & (1 << trimBit - 1)))
    }
}

/// Where the bits come out, and the rest of the interface.
package enum BoardInterface {
    package static let interfaceClass: UInt8 = 0xFF
    package static let interfaceSubclass: UInt8 = 0x4D
    /// The interface's protocol is the major version of MEB.
    package static let majorVersion: UInt8 = 1
    package static let minorVersion: UInt8 = 1
    /// Bulk IN: frames.
    package static let streamEndpoint: UInt8 = 0x81
    /// Interrupt IN: a `BoardEvent` when there is one.
    package static let eventEndpoint: UInt8 = 0x82
    /// Bulk OUT: states for `ArrayOperation.write`.
    package static let arrayEndpoint: UInt8 = 0x03
    /// pid.codes' test id, which others use as well: the name of the product decides.
    package static let defaultVendor: UInt16 = 0x1209
    package static let defaultProduct: UInt16 = 0x0001
    /// How the name of the product of every board begins.
    package static let productPrefix = "ME-MTJ"
}
