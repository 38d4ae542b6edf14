// SPDX-License-Identifier: Apache-2.0

import Diffusion
import DiffusionTestSupport
import EntropyTerms
import Foundation
import LeaseProtocol
import PNGFiles
import PlaneTestSupport
import TestSupport
import Testing
import Varlink

/// An entropy socket whose rings stay empty.
final class ServerRigWithoutBits {
    private let rig: ServerRig

    init() throws { rig = try ServerRig(.init(provenances: [.simulated])) }

    deinit { try? rig.stop() }

    var path: String { rig.path }
}

@Suite(
    "mediffuse forward and calibrate: pictures of an image that dissolves, refused images, figures of an array",
    .timeLimit(.minutes(5)))
struct ForwardTests {
    private let directory = TemporaryDirectory()

    private func write(_ bytes: [UInt8], _ name: String = "in.png") throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: directory.file(name)))
        return directory.file(name)
    }

    private func image(_ side: Int = 8) throws -> String {
        try write(
            encodePNG(
                GrayImage(height: side, width: side, pixels: (0..<side * side).map { $0 % side < side / 2 ? 0 : 255 })))
    }

    @Test("Shows the image, and after the last pulses nothing of it")
    func dissolves() throws {
        let daemon = try FakeMetrngd()
        let invocation = Invocation(["forward", try image(), "--frames", "4"] + daemon.options)
        #expect(invocation.exitCode == 0, "\(invocation.messages)")
        let lines = invocation.output.split(separator: "\n").map(String.init)
        #expect(lines[0].hasPrefix("SIMULATED — these devices"))
        // Under its number of pulses, the image as it was written; two characters a pixel.
        #expect(lines[1].hasPrefix("0 "))
        #expect(lines[2].hasPrefix("        ████████ "))
        // The last picture has none of it: greys on both sides.
        let last = lines[2...9].map { String($0.dropFirst(3 * 17).prefix(16)) }
        #expect(last.contains { !$0.hasPrefix("        ") } && last.contains { !$0.hasSuffix("████████") })
        #expect(lines.last?.contains("16 devices a pixel, 256 lanes of array0") == true)
        #expect(eventually { daemon.control.openLeases == 0 })
    }

    @Test("Writes one picture of all moments, or an animated one", arguments: [true, false])
    func files(isAnimated: Bool) throws {
        let daemon = try FakeMetrngd()
        let file = directory.file("out.png")
        let invocation = Invocation(
            ["forward", try image(), "--frames", "5", "--output", file, "--chop", "10"]
                + (isAnimated ? ["--animate"] : []) + daemon.options)
        #expect(invocation.exitCode == 0, "\(invocation.messages)")
        let content = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        let picture = try decodePNG(content, limit: 2_000)
        #expect((picture.width > 3 * picture.height) == !isAnimated)
        let text = String(decoding: content, as: UTF8.self)
        #expect(
            text.contains("acTL") == isAnimated && text.contains("Pulses\u{0}0, ") && text.contains("Board\u{0}array0"))
        #expect(text.contains("Warning\u{0}SIMULATED"))
        #expect(directory.entries == ["in.png", "out.png"])
    }

    @Test("An image of the wrong size or depth, and what is none, are refused before a lease")
    func refused() throws {
        let wide = try write(
            encodePNG(GrayImage(height: 1, width: 200, pixels: Array(repeating: 0, count: 200))), "wide.png")
        // A header of 16 bits a channel; the rest does not matter.
        var deep = try encodePNG(GrayImage(height: 2, width: 2, pixels: [0, 0, 0, 0]))
        deep[24] = 16
        let cases = [
            (wide, "200 × 1 pixels"), (try write(Array("hello".utf8), "text.png"), "no PNG image"),
            (try write(deep, "deep.png"), "no PNG image"), ("\(directory.path)/none.png", "No such file"),
            (directory.path, "Invalid argument"), ("/dev/zero", "Invalid argument"),
        ]
        for (path, message) in cases {
            let invocation = Invocation(["forward", path, "--control", "/none/c"])
            #expect(invocation.exitCode == 1)
            #expect(invocation.messages.contains(message), "\(invocation.messages)")
        }
    }

    @Test("A lease that is lost in the middle ends it, with the reason and no file")
    func lost() throws {
        let commands = Tally()
        let lanes = FakeMetrngd.lanes
        let control = try FakeLeaseDaemon(lanes: lanes) { socket in
            LeaseEnd(socket, lanes: lanes).serve(
                SoftwareArray(devices: SoftwareArray.devices(lanes, flipProbability: 0.01), seed: 1)
            ) { _ in
                commands.add(1)
                return commands.value > 50 ? .lanesLost : nil
            }
        }
        let daemon = try FakeMetrngd()
        let invocation = Invocation(
            ["forward", try image(), "--output", directory.file("out.png"), "--socket", daemon.entropy.path]
                + ["--control", control.path, "--allow-simulated"])
        #expect(invocation.exitCode == 3)
        #expect(invocation.messages == "mediffuse: error: devices of the lease have failed; try again, without them\n")
        #expect(directory.entries == ["in.png"])
    }

    @Test("Calibrates, and prints it for people and as JSON")
    func calibrate() throws {
        let daemon = try FakeMetrngd()
        let text = Invocation(["calibrate", "--loads", "16"] + daemon.options)
        #expect(text.exitCode == 0, "\(text.messages)")
        #expect(text.output.contains("array0: 256 lanes\n") && text.output.contains("Point:    2300 mV, "))
        let report = Invocation(["calibrate", "--json", "--loads", "16", "--lanes", "256"] + daemon.options)
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(report.output.utf8)) as? [String: Any])
        let probability = try #require(document["flipProbability"] as? Double)
        #expect((0.008...0.012).contains(probability))
        #expect((document["schedule"] as? [Int])?.count == 50 && document["lanes"] as? Int == 256)
        #expect((document["curve"] as? [[String: Any]])?.first?["pulses"] as? Int == 0)
        #expect(daemon.control.calls.last?["count"] == 256)
    }

    @Test("Says so when the array cannot be made weak enough")
    func noWeakPoint() throws {
        let daemon = try FakeMetrngd()
        let invocation = Invocation(
            ["calibrate", "--flip-probability", "0.05", "--amplitude", "9000"] + daemon.options)
        // The amplitude is the nearest that the board takes.
        #expect(invocation.exitCode == 0 && invocation.output.contains("Point:    2700 mV"))
    }
}
