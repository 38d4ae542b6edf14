// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import TestSupport
import Testing

@Suite("docs/json.md, verb by verb: what mectl prints of a running daemon")
struct JSONDocumentTests {
    private static let configuration = """
        boards:
          - name: array0
            seed: 15
            lanes: 128
            array: {deadDeviceFraction: 0.05}
        """

    @Test("Every verb prints the object that the page says")
    func verbs() throws {
        let document = try JSONDocument()
        let directory = SocketDirectory()
        let daemon = try DaemonProcess(Self.configuration, directory: directory)
        let connection = try daemon.connect()
        _ = try connection.read(count: 1 << 20)
        let recording = "\(directory.path)/r"
        let arguments: [String: [String]] = [
            "none": [], "status": ["status"], "boards": ["boards"], "health": ["health"], "version": ["version"],
            "wait": ["wait", "--for", "board"], "set": ["set", "--width", "461"], "reload": ["reload"],
            "inject": ["inject", "none"], "config show": ["config", "show"],
            "calibrate": ["calibrate", "--width", "440:480:3", "--shots", "2048"],
            "record": ["record", "--shots", "1000", "--output", recording],
        ]
        var seen: Set<String> = []
        for (verb, arguments) in arguments {
            let object = try #require(document.verbs[verb], "\(verb) is not in the page")
            let outcome = try run(
                "\(buildDirectory)/mectl", arguments + ["--json", "--socket", directory.control])
            let flaw = document.flaw(in: outcome.output, as: object, seen: &seen)
            #expect(flaw == nil, "\(verb): \(outcome.errors)")
        }
        // The others need an update that is waited for, and a board on USB.
        #expect(Set(document.verbs.keys).subtracting(arguments.keys) == ["watch", "board-check"])
        #expect(seen.isSuperset(of: ["Service", "Client", "BoardStatus", "Ring", "Lane", "AlarmCount", "SweepPoint"]))
        #expect(daemon.stop() == 0)
    }
}
