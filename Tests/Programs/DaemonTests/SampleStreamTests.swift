// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite("mectl stream --format at the running daemon: numbers of each type, consent, the name in the status")
struct SampleStreamTests {
    private static let configuration = "boards: [{kind: simulated, seed: 20260917}]"
    private static let count = 200_000

    @Test(
        "Normal and uniform numbers have their moments and bounds, in both types",
        arguments: ["normals", "uniform"], ["float32", "float64"])
    func moments(format: String, type: String) throws {
        let daemon = try DaemonProcess(Self.configuration)
        let size = type == "float32" ? 4 : 8
        let outcome = try stream(
            "--format", format, "--dtype", type, "--bytes", "\(Self.count * size)", "--allow-simulated", from: daemon)
        #expect(outcome.status == 0)
        #expect(outcome.errors == "mectl: note: these bits are simulated, not random\n")
        let values = Self.values(outcome.output, size: size)
        #expect(values.count == Self.count)
        let (mean, variance) = format == "normals" ? (0.0, 1.0) : (0.5, 1.0 / 12)
        let (measured, deviation) = Self.moments(values)
        let root = Double(Self.count).squareRoot()
        #expect(abs(measured - mean) < 4.5 * variance.squareRoot() / root)
        // The variance of a square: 2 for normal numbers, 1/180 for uniform ones.
        let spread = (format == "normals" ? 2.0 : 1.0 / 180).squareRoot()
        #expect(abs(deviation - variance) < 4.5 * spread / root)
        if format == "uniform" { #expect(values.allSatisfy { (0..<1).contains($0) }) }
        #expect(Set(values).count > Self.count * 9 / 10)
        #expect(daemon.stop() == 0)
    }

    @Test("Simulated bits are refused without consent, and nothing is written")
    func consent() throws {
        let daemon = try DaemonProcess(Self.configuration)
        let outcome = try stream("--format", "normals", "--bytes", "400", from: daemon)
        #expect(outcome.status == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("simulated"))
        #expect(outcome.errors.hasSuffix("mectl: hint: to accept them, use --allow-simulated\n"))
        #expect(daemon.stop() == 0)
    }

    @Test("Without a daemon at the entropy socket, the option for another is named", arguments: ["bits", "normals"])
    func wrongSocket(format: String) throws {
        let outcome = try run(
            "\(buildDirectory)/mectl",
            ["stream", "--format", format, "--bytes", "400", "--entropy-socket", "/nowhere/entropy.sock"])
        #expect(outcome.status == 69 && outcome.output.isEmpty)
        #expect(outcome.errors.hasSuffix("with --entropy-socket\n"))
    }

    @Test("The numbers of a recording end with it")
    func recording() throws {
        let file = repositoryFile("Tests/Fixtures/recordings/healthy.recording")
        let daemon = try DaemonProcess("boards: [{kind: replay, path: '\(file)'}]")
        let outcome = try stream("--format", "uniform", "--allow-simulated", from: daemon)
        #expect(outcome.status == 0 && outcome.output.count.isMultiple(of: 1 << 14) && !outcome.output.isEmpty)
        #expect(outcome.errors.hasSuffix("mectl: note: the recording has ended; there are no more bits\n"))
        let more = try stream("--format", "uniform", "--allow-simulated", "--bytes", "800000", from: daemon)
        #expect(more.status == 3)
        #expect(daemon.stop() == 0)
    }

    private func stream(_ arguments: String..., from daemon: DaemonProcess) throws -> Outcome {
        try run("\(buildDirectory)/mectl", ["stream", "--socket", daemon.directory.control] + arguments)
    }

    private static func values(_ bytes: Data, size: Int) -> [Double] {
        bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / size).map { index in
                size == 4
                    ? Double(bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
                    : bytes.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
            }
        }
    }

    private static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
    }
}
