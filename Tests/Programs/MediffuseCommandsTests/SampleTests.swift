// SPDX-License-Identifier: Apache-2.0

import Diffusion
import DiffusionTestSupport
import Foundation
import LinuxPlatform
import MediffuseCommands
import PNGFiles
import TestSupport
import Testing

@Suite(
    "mediffuse sample: images by every sampler, files that are whole, consent, interrupts, wrong command lines",
    .timeLimit(.minutes(5)))
struct SampleTests {
    private let directory = TemporaryDirectory()

    private func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    @Test(
        "Writes the images for NumPy, of which each is what its label says",
        arguments: ["reverse", "ddpm", "ddim", "in-array"])
    func numPy(sampler: String) throws {
        let daemon = try FakeMetrngd()
        let file = directory.file("images.npy")
        let invocation = Invocation(
            ["sample", "--count", "7", "--sampler", sampler, "--steps", "25", "--output", file] + daemon.options)
        #expect(invocation.exitCode == 0, "\(invocation.messages)")
        let content = try bytes(file)
        let header = String(decoding: content[10..<128], as: UTF8.self)
        #expect(content.starts(with: [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]) && header.hasSuffix("\n"))
        #expect(header.hasPrefix("{'descr': '|u1', 'fortran_order': False, 'shape': (7, 4, 4), }"))
        #expect(content.count == 128 + 7 * 16)
        for image in 0..<7 {
            let pixels = content[128 + 16 * image..<144 + 16 * image]
            let wanted = Toy.images[image % 3].map { Int(($0 + 1) * 127.5) }
            #expect(zip(pixels, wanted).allSatisfy { abs(Int($0) - $1) < 24 }, "\(sampler) \(image): \(Array(pixels))")
        }
        #expect(directory.entries == ["images.npy"])
        #expect(eventually { daemon.control.openLeases == 0 })
    }

    @Test("Writes a picture that says how it was made, and that it is simulated")
    func picture() throws {
        let daemon = try FakeMetrngd()
        let file = directory.file("seven.png")
        let invocation = Invocation(
            ["sample", "--digit", "2", "--count", "3", "--model", "toy", "--output", file] + daemon.options)
        #expect(invocation.exitCode == 0 && invocation.messages == "")
        #expect(
            invocation.output.hasPrefix("SIMULATED — these images come from a model of an array, which is not random\n")
        )
        #expect(invocation.output.contains("3 images of the digit 2 of 4 × 4 pixels in \(file)"))
        let content = try bytes(file)
        let image = try decodePNG(content, limit: 1_000)
        #expect(image.width > 3 * image.height / 2)
        let text = String(decoding: content, as: UTF8.self)
        for part in [
            "Provenance\u{0}simulated", "Software\u{0}mediffuse ",
            "Sampler\u{0}reverse, 50 steps, cosine, guidance 0.5",
            "Model\u{0}toy", "Digit\u{0}2", "Health epochs\u{0}", "Warning\u{0}SIMULATED",
        ] { #expect(text.contains(part), "\(part)") }
        #expect(!text.contains("seed"))
    }

    @Test("Draws in the terminal, within its columns", arguments: [60, 80])
    func terminal(columns: Int) throws {
        let daemon = try FakeMetrngd()
        let variants: [[String: String]] = [
            ["COLORTERM": "truecolor"], ["TERM": "xterm"], ["NO_COLOR": "1"], ["LC_ALL": "C"],
        ]
        for environment in variants {
            let invocation = Invocation(
                ["sample", "--count", "20", "--steps", "10"] + daemon.options, environment: environment,
                isTerminal: true, messagesAreOnTerminal: true, columns: columns)
            #expect(invocation.exitCode == 0, "\(invocation.messages)")
            #expect(invocation.messages.contains("\rsampling ") && invocation.messages.hasSuffix("\r\u{1B}[K"))
            let isColored = environment["COLORTERM"] != nil || environment["TERM"] != nil
            #expect(invocation.output.contains("▀") == isColored)
            if environment["LC_ALL"] == "C" { #expect(invocation.output.utf8.allSatisfy { $0 < 0x80 }) }
            let picture = invocation.output.split(separator: "\n").filter {
                !$0.hasPrefix("SIMULATED") && !$0.hasPrefix("20 ")
            }
            #expect(picture.count > 4)
            for line in picture { #expect(visibleWidth(line) <= columns, "\(line)") }
        }
    }

    private func visibleWidth(_ line: Substring) -> Int {
        line.replacing(#/\u{1B}\[[0-9;]*m/#, with: "").count
    }

    @Test("Simulated bits are refused without consent, and no file is left")
    func consent() throws {
        let daemon = try FakeMetrngd()
        let file = directory.file("x.png")
        let sockets = Array(daemon.options.dropLast())
        for sampler in ["reverse", "in-array"] {
            let invocation = Invocation(["sample", "--sampler", sampler, "--output", file] + sockets)
            #expect(invocation.exitCode == 1 && invocation.output == "")
            #expect(invocation.messages.hasSuffix("mediffuse: hint: to accept them, use --allow-simulated\n"))
        }
        #expect(directory.entries.isEmpty)
    }

    @Test("A file that exists stays, and a folder that does not is named, before any work")
    func files() throws {
        let file = directory.file("old.png")
        try Data("old".utf8).write(to: URL(fileURLWithPath: file))
        let existing = Invocation(["sample", "--output", file, "--socket", "/none"])
        #expect(existing.exitCode == 1)
        #expect(
            existing.messages == """
                mediffuse: error: cannot create \(file): File exists
                mediffuse: hint: existing files are not overwritten: choose another name, or remove the file

                """)
        #expect(try bytes(file) == Array("old".utf8))
        let missing = Invocation(["sample", "--output", "\(directory.path)/no/x.png", "--socket", "/none"])
        #expect(missing.exitCode == 1 && missing.messages.contains("No such file or directory"))
        #expect(missing.messages.contains("hint: create the directory"))
        #expect(directory.entries == ["old.png"])
    }

    @Test("An interrupt leaves no file and no lease", arguments: ["reverse", "in-array"])
    func interrupted(sampler: String) throws {
        let daemon = try FakeMetrngd()
        let asked = Tally()
        let invocation = Invocation(
            ["sample", "--sampler", sampler, "--output", directory.file("x.png")] + daemon.options,
            isInterrupted: {
                asked.add(1)
                return asked.value > 5
            })
        #expect(invocation.exitCode == 130 && invocation.output == "")
        #expect(invocation.messages == "mediffuse: error: interrupted before the end\n")
        #expect(directory.entries.isEmpty && asked.value == 6)
        #expect(eventually { daemon.control.openLeases == 0 })
    }

    @Test("Ends a wait for bits that do not come")
    func waiting() throws {
        let daemon = try FakeMetrngd()
        let empty = try ServerRigWithoutBits()
        let asked = Tally()
        let invocation = Invocation(
            ["sample", "--socket", empty.path, "--control", daemon.control.path, "--allow-simulated"],
            isInterrupted: {
                asked.add(1)
                return asked.value > 1
            })
        #expect(invocation.exitCode == 130)
    }

    @Test("Words that were drawn ahead come first, and every word once")
    func drawnAhead() throws {
        let daemon = try FakeMetrngd()
        let source = try EntropySource(path: daemon.entropyPath, allowsSimulated: true)
        try source.drawAhead(words: 100)
        var (first, second) = ([UInt64](repeating: 0, count: 60), [UInt64](repeating: 0, count: 70))
        try source.fill(&first)
        try source.fill(&second)
        var generator = SeededGenerator(2)
        let bytes = generator.bytes(130 * 8)
        let wanted = stride(from: 0, to: bytes.count, by: 8).map { start in
            (0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[start + $1]) }
        }
        #expect(Set(first + second) == Set(wanted) && Set(first).isSubset(of: wanted[..<100]))
    }

    @Test("Prints JSON")
    func json() throws {
        let daemon = try FakeMetrngd()
        let invocation = Invocation(["sample", "--digit", "1", "--count", "2", "--json"] + daemon.options)
        #expect(invocation.exitCode == 0)
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(invocation.output.utf8)) as? [String: Any])
        #expect(document["provenance"] as? String == "simulated" && document["sampler"] as? String == "reverse")
        #expect(document["images"] as? Int == 2 && document["digit"] as? Int == 1 && document["steps"] as? Int == 50)
        #expect(document["height"] as? Int == 4 && document["file"] is NSNull)
    }

    @Test("Says what the model does not know, and why it cannot be opened")
    func models() throws {
        let daemon = try FakeMetrngd()
        let unknown = Invocation(["sample", "--digit", "7"] + daemon.options)
        #expect(unknown.exitCode == 1)
        #expect(unknown.messages == "mediffuse: error: the model knows the digits 0 to 2, not 7\n")
        let missing = Invocation(
            ["sample", "--model", "x"] + daemon.options,
            openDenoiser: { (name) throws(Failure) in throw .model("there is no \(name ?? "")") })
        #expect(missing.exitCode == 1 && missing.messages == "mediffuse: error: there is no x\n")
    }

    @Test("Finds each socket beside the other")
    func sockets() throws {
        let beside = Invocation(["sample", "--control", "/tmp/metrng-none/control.sock"])
        #expect(beside.exitCode == 69 && beside.messages.contains("/tmp/metrng-none/entropy.sock"))
        let environment = Invocation(["sample"], environment: ["METRNG_CONTROL": "/tmp/metrng-none/c.sock"])
        #expect(environment.messages.contains("/tmp/metrng-none/entropy.sock"))
        let named = Invocation(["calibrate"], environment: ["METRNG_SOCKET": "/tmp/metrng-none/e.sock"])
        #expect(named.exitCode == 69 && named.messages.contains("/tmp/metrng-none/control.sock"))
    }

    @Test(
        "A command line that makes no sense has status 64",
        arguments: [
            ["sample", "--count", "0"], ["sample", "--count", "100001"], ["sample", "--digit", "-1"],
            ["sample", "--guidance", "-1"], ["sample", "--steps", "1"], ["sample", "--sampler", "x"],
            ["sample", "--output", "x.gif"], ["sample", "--sampler", "in-array", "--count", "1000"],
            ["sample", "--board", "x"], ["forward"], ["forward", "x.png", "--frames", "1"],
            ["forward", "x.png", "--animate"], ["forward", "x.png", "--output", "x.npy"],
            ["calibrate", "--flip-probability", "50"], ["calibrate", "--loads", "0"], ["calibrate", "--chop", "0"],
            ["calibrate", "--lanes", "0"], ["dream"],
        ])
    func usage(arguments: [String]) {
        let invocation = Invocation(arguments)
        #expect(invocation.exitCode == 64 && invocation.output == "")
        #expect(invocation.messages.hasPrefix("mediffuse: error: "))
    }

    @Test("Help is on the standard output", arguments: [["--help"], ["sample", "--help"], ["help", "forward"]])
    func help(arguments: [String]) {
        let invocation = Invocation(arguments)
        #expect(invocation.exitCode == 0 && invocation.output.contains("USAGE: mediffuse") && invocation.messages == "")
    }
}
