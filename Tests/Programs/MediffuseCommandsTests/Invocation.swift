// SPDX-License-Identifier: Apache-2.0

import Diffusion
import DiffusionTestSupport
import EntropyTerms
import LinuxPlatform
import MediffuseCommands
import PlaneTestSupport
import Synchronization
import TestSupport

/// A daemon in this process: an entropy socket with bits of a fixed seed, and a control socket that leases an array in
/// software.
final class FakeMetrngd {
    static let lanes = 256

    let control: FakeLeaseDaemon
    let entropy: ServerRig

    var entropyPath: String { entropy.path }
    var options: [String] { ["--socket", entropy.path, "--control", control.path, "--allow-simulated"] }

    /// - Parameter onCommand: is told of each command of a lease before it is done.
    init(onCommand: @escaping @Sendable () -> Void = {}) throws {
        control = try FakeLeaseDaemon(lanes: Self.lanes) { socket in
            let array = TunableSoftwareArray(
                SoftwareArray.devices(
                    Self.lanes, flipProbability: 0.01, logarithmSpread: 0.3, asymmetrySpread: 0.05), seed: 1)
            LeaseEnd(socket, lanes: Self.lanes).serve(array) { _ in
                onCommand()
                return nil
            }
        }
        entropy = try ServerRig(.init(provenances: [.simulated], ringBytes: 1 << 20))
        var generator = SeededGenerator(2)
        entropy.source.put(generator.bytes(1 << 20))
    }

    deinit { try? entropy.stop() }
}

/// The toy images of the tests: three, labelled by their numbers.
enum Toy {
    static let shape = ImageShape(height: 4, width: 4)
    static let images: [[Float]] = [
        (0..<16).map { $0 % 4 < 2 ? -1 : 1 }, (0..<16).map { $0 < 8 ? 0.5 : -0.5 },
        (0..<16).map { $0 / 4 == $0 % 4 ? 1 : -1 },
    ]

    static func denoiser() -> ExactDenoiser {
        ExactDenoiser(
            images.enumerated().map { .init($1, label: $0) }, shape: shape, noise: .devices(ThermometerCode()))
    }
}

/// One run of `mediffuse` in this process: what it wrote and its exit code.
struct Invocation {
    let exitCode: Int32
    let output: String
    let messages: String

    init(
        _ arguments: [String], environment: [String: String] = [:], isTerminal: Bool = false,
        messagesAreOnTerminal: Bool = false, columns: Int = 80,
        isInterrupted: @escaping @Sendable () -> Bool = { false },
        openDenoiser: @escaping (String?) throws(Failure) -> any Denoiser = { (_) throws(Failure) in Toy.denoiser() }
    ) {
        let (output, messages) = (Transcript(), Transcript())
        let console = Console(
            environment: environment, outputIsTerminal: isTerminal, messagesAreOnTerminal: messagesAreOnTerminal,
            columns: { columns }, write: { (text) throws(OutputError) in output.append(text) },
            tell: { messages.append($0) }, catchInterrupts: {}, isInterrupted: isInterrupted)
        exitCode = runMediffuse(arguments, on: Workbench(console: console, openDenoiser: openDenoiser))
        self.output = output.text
        self.messages = messages.text
    }

    private final class Transcript: Sendable {
        private let content = Mutex("")

        func append(_ text: String) { content.withLock { $0 += text } }

        var text: String { content.withLock { $0 } }
    }
}
