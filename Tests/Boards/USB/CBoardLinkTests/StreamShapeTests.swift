// SPDX-License-Identifier: Apache-2.0

import CBoardLink
import Testing

@Suite(
    "The shape of a stream: size and number of transfers for every speed and frame")
struct StreamShapeTests {
    @Test(
        "has whole packets, and at most a quarter of what Linux lends",
        arguments: [
            (BL_SPEED_UNKNOWN, 65_536), (BL_SPEED_FULL, 65_536), (BL_SPEED_HIGH, 65_536),
            (BL_SPEED_SUPER, 262_144),
        ])
    func bounds(speed: bl_speed, size: Int) {
        let shape = bl_shape(speed)
        #expect(shape.transfer_size == size && size.isMultiple(of: 1024))
        #expect((16...32).contains(shape.transfers))
        #expect(size * Int(shape.transfers) <= 4 << 20)
    }
}

@Suite(
    "The errors of the link: words of every error")
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
