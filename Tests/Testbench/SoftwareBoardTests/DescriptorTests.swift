// SPDX-License-Identifier: Apache-2.0

import SoftwareBoard
import SoftwareUSB
import TestSupport
import Testing

@Suite(
    "Descriptors of a software board: for every speed")
struct DescriptorTests {
    @Test(
        "They are those of docs/board-protocol.md, byte by byte",
        arguments: [(USBSpeed.high, "HighSpeed"), (.superSpeed, "SuperSpeed")])
    func bytes(speed: USBSpeed, name: String) {
        let identity = BoardDescriptors.identity(
            speed: speed, product: "ME-MTJ", serial: "1", firmware: (1, 0))
        #expect(identity.device == boardVectors["device\(name)"])
        #expect(identity.configuration == boardVectors["configuration\(name)"])
        #expect(identity.objectStore.isEmpty == (speed == .high))
    }
}
