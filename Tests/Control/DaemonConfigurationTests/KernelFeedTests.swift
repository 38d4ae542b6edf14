// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Testing

@Suite(
    "Whether the kernel may be fed: boards that forbid it, and the place of the mistake")
struct KernelFeedTests {
    private static let remedy =
        "expected false, or only boards of kind usb that are not simulated: the kernel is credited"
        + " only with hardware bits"

    @Test(
        "Boards that are not of hardware, alone or beside one, are a mistake at kernel.feed",
        arguments: [
            ("{kind: simulated}", "simulated bits"),
            ("{kind: usb, usb: {simulated: true}}", "simulated bits"),
            ("{kind: replay, path: /tape}", "replayed bits"),
            (
                "{kind: host, lanes: 64, path: /dev/hwrng}",
                "bits of the host, which can be the kernel's own"
            ),
            (
                "{name: h, kind: usb}, {name: array0, kind: host, lanes: 64, path: /dev/hwrng}",
                "bits of the host, which can be the kernel's own"
            ),
        ])
    func refused(boards: String, bits: String) {
        let text = "kernel: {feed: true}\nboards: [\(boards)]\n"
        #expect(
            problems(text) == [
                "m.yaml:1:16: kernel.feed: found true with the board array0, which supplies \(bits),"
                    + " \(Self.remedy)"
            ])
        #expect(problems(text.replacing("true}\nb", with: "false}\nb")).isEmpty)
    }

    @Test(
        "Hardware, and nothing at all, is none",
        arguments: ["", "{kind: usb}", "{name: a, kind: usb}, {name: b, kind: usb}"])
    func allowed(boards: String) throws {
        let settings = try settings("boards: [\(boards)]\nkernel: {feed: true}\n")
        #expect(settings.kernel.feed)
    }

    @Test("The file that asks for it is told, whichever has the boards")
    func files() {
        let error = #expect(throws: ConfigurationError.self) {
            try DaemonSettings(reading: [
                ConfigurationFile(name: "a", bytes: Array("kernel:\n  feed: true\n".utf8)),
                ConfigurationFile(name: "b", bytes: Array("boards: [{name: s}]\n".utf8)),
            ])
        }
        #expect(error?.description.hasPrefix("a:2:9: kernel.feed: ") == true)
    }
}
