// SPDX-License-Identifier: Apache-2.0

import CBoardLink
import Testing

@Suite("The shape of a stream")
struct StreamShapeTests {
    private static let speeds = [
        BL_SPEED_UNKNOWN, BL_SPEED_FULL, BL_SPEED_HIGH, BL_SPEED_SUPER,
    ]
    private static let frameSizes = [
        0, 1, 1023, 1024, 1025, 16_384, 16_385, 40_000, 65_535, 65_536, 100_000, 262_144, 1 << 20,
        .max,
    ]

    @Test(
        "has whole packets, 16 to 32 transfers, and at most a quarter of what Linux lends",
        arguments: speeds, frameSizes)
    func bounds(speed: bl_speed, frameSize: Int) {
        let shape = bl_shape(speed, frameSize)
        #expect(shape.transfer_size > 0)
        #expect(shape.transfer_size.isMultiple(of: 1024))
        #expect((16...32).contains(shape.transfers))
        #expect(shape.transfer_size * Int(shape.transfers) <= 4 << 20)
    }

    @Test(
        "fits the frame between a quarter and the whole of what suits the speed",
        arguments: [
            (BL_SPEED_HIGH, 0, 65_536), (BL_SPEED_HIGH, 5000, 16_384),
            (BL_SPEED_HIGH, 20_000, 20_480), (BL_SPEED_HIGH, 1 << 20, 65_536),
            (BL_SPEED_SUPER, 0, 262_144), (BL_SPEED_SUPER, 5000, 65_536),
            (BL_SPEED_SUPER, 100_000, 100_352), (BL_SPEED_SUPER, 1 << 20, 262_144),
        ])
    func frame(speed: bl_speed, frameSize: Int, transferSize: Int) {
        #expect(bl_shape(speed, frameSize).transfer_size == transferSize)
    }
}

@Suite("The errors of the link")
struct LinkErrorTests {
    private static let errors = [
        BL_GONE, BL_NOT_PERMITTED, BL_BUSY, BL_TIMEOUT, BL_STALL, BL_OVERFLOW, BL_IO, BL_NO_MEMORY,
        BL_OTHER,
    ]

    @Test("are negative, and each has words of its own")
    func words() {
        #expect(Self.errors.allSatisfy { $0.rawValue < 0 })
        let words = Self.errors.map { String(cString: bl_error_text(Int32($0.rawValue))) }
        #expect(Set(words).count == words.count)
        #expect(words.allSatisfy { !$0.isEmpty })
    }

    @Test("A number that is no error has words as well", arguments: [-10, 0, 1, Int32.min, .max])
    func unknown(number: Int32) {
        #expect(String(cString: bl_error_text(number)) == "libusb failed")
    }
}
