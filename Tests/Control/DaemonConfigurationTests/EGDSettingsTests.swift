// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import Testing

@Suite("Whether EGD may be served: boards that forbid it, and the key that allows them")
struct EGDSettingsTests {
    @Test(
        "Boards whose bits are not random are a mistake at egd.serve, unless they are allowed",
        arguments: [
            ("{name: a}", "simulated bits"), ("{name: a, kind: usb, usb: {simulated: true}}", "simulated bits"),
            ("{name: a, kind: replay, path: /tape}", "replayed bits"),
        ])
    func refused(boards: String, bits: String) throws {
        let text = "boards: [\(boards)]\negd: {serve: true}\n"
        #expect(
            problems(text) == [
                "m.yaml:2:14: egd.serve: found true with the board a, which supplies \(bits), expected false, or"
                    + " egd.allowSimulated: true: EGD cannot tell clients that bits are not random"
            ])
        let allowed = try settings(text.replacing("true}\n", with: "true, allowSimulated: true}\n"))
        #expect(allowed.egd.serve && allowed.egd.allowSimulated)
        #expect(problems(text.replacing("serve: true", with: "serve: false")).isEmpty)
    }

    @Test(
        "Random bits are served, and no board is one that forbids it",
        arguments: ["", "{kind: usb}", "{kind: host, lanes: 64, path: /dev/hwrng}"])
    func allowed(boards: String) throws {
        #expect(try settings("boards: [\(boards)]\negd: {serve: true}\n").egd.serve)
    }

    @Test("An option that puts a model in the place of a board is told")
    func flags() throws {
        let configured = try settings("boards: [{kind: usb}]\negd: {serve: true}\n")
        let error = #expect(throws: ConfigurationError.self) {
            try configured.overriding(environment: [:], flags: SettingFlags(simulated: true))
        }
        #expect(error?.description.hasPrefix("option --simulated: egd.serve: found true with the board array0") == true)
    }
}
