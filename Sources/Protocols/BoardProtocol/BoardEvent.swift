// SPDX-License-Identifier: Apache-2.0

/// What a board tells on its interrupt endpoint, 16 bytes. Everything an event says is in frames and in the
/// status as well, so that a host need not listen.
///
/// | at | type | field |
/// |---|---|---|
/// | 0 | u8 | kind |
/// | 1 | 7 bytes | 0 |
/// | 8 | u64 | the shot after which it happened |
package struct BoardEvent: Sendable, Equatable {
    package enum Kind: UInt8, Sendable, CaseIterable {
        /// The board's buffer overflowed: shots are being dropped.
        case overflow = 1
        /// The buffer has room again.
        case overflowEnded = 2
    }

    package static let byteCount = 16

    package let kind: Kind
    package let shot: UInt64

    package init(_ kind: Kind, shot: UInt64) {
        self.kind = kind
        self.shot = shot
    }

    package var bytes: [UInt8] {
        var writer = RecordWriter()
        writer.put(UInt64(kind.rawValue))
        writer.put(shot)
        return writer.bytes
    }
}
