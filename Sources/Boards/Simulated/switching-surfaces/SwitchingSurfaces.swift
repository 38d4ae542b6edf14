// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DevicePhysics
import Foundation

@main
struct SwitchingSurfaces: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switching-surfaces",
        abstract: "Make or check the switching surface of a preset, or its weak-pulse surface.")

    @Argument(help: "quarterPeriod or damped.")
    var preset: ArrayPreset

    @Argument(help: "The file that is written, or read with --check.")
    var file: String

    @Flag(help: "The weak-pulse surface, which is made without shots.")
    var weak = false

    @Option(help: "Shots for each point of a switching surface, or of a comparison.")
    var shots = 12_000

    @Option(help: "Where the random numbers start.")
    var seed: UInt64 = 1

    @Option(help: "Compare at least this many points of the file with new shots of the macrospin.")
    var check: Int?

    func validate() throws {
        guard shots > 0, (check ?? 1) > 0 else {
            throw ValidationError("--shots and --check take numbers above 0")
        }
    }

    func run() throws {
        if let check { try compare(points: check) } else { try make() }
    }

    private func make() throws {
        let bytes: [UInt8]
        if weak {
            bytes = WeakPulseSurface.make(preset) { show($0, of: $1) }.file(of: preset)
        } else {
            let surface = SwitchingSurface.sample(preset, shots: shots, seed: seed) { show($0, of: $1) }
            bytes = surface.file(of: preset)
        }
        FileHandle.standardError.write(Data("\n".utf8))
        try Data(bytes).write(to: URL(fileURLWithPath: file), options: .atomic)
    }

    private func show(_ done: Int, of count: Int) {
        FileHandle.standardError.write(Data("\r\(done) of \(count) rows".utf8))
    }

    private func compare(points: Int) throws {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        if weak {
            let comparison = try WeakPulseSurface(file: bytes)
                .compare(points: points, preset: preset, shots: shots, seed: seed)
            print(comparison)
            guard comparison.agrees else { throw ExitCode.failure }
        } else {
            let comparison = try SwitchingSurface(file: bytes)
                .compare(points: points, preset: preset, shots: shots, seed: seed)
            print(comparison)
            guard comparison.largest < 0.02 else { throw ExitCode.failure }
        }
    }
}

extension ArrayPreset: ExpressibleByArgument {}
