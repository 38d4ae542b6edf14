// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Diffusion
import EntropyClient
import EntropyTerms
import Glibc
import LinuxPlatform

/// The options of a verb that uses the daemon.
struct DaemonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The entropy socket of metrngd (default: METRNG_SOCKET, or entropy.sock beside the control socket).
            """, valueName: "path"))
    var socket: String?

    @Option(
        help: ArgumentHelp(
            """
            The control socket of metrngd (default: METRNG_CONTROL, or control.sock beside the entropy socket).
            """, valueName: "path"))
    var control: String?

    @Flag(help: "Accept bits and arrays that are not genuine: simulated or replayed.")
    var allowSimulated = false

    @Flag(help: "Print JSON: one line, sorted keys.")
    var json = false

    private static let folder = "/run/metrng/"

    func entropyPath(_ console: Console) -> String {
        let named = console.variable("METRNG_SOCKET")
        return socket ?? control.map { Self.file("entropy.sock", beside: $0) } ?? named
            ?? console.variable("METRNG_CONTROL").map { Self.file("entropy.sock", beside: $0) }
            ?? Self.folder + "entropy.sock"
    }

    func controlPath(_ console: Console) -> String {
        let named = console.variable("METRNG_CONTROL")
        return control ?? socket.map { Self.file("control.sock", beside: $0) } ?? named
            ?? console.variable("METRNG_SOCKET").map { Self.file("control.sock", beside: $0) }
            ?? Self.folder + "control.sock"
    }

    private static func file(_ name: String, beside path: String) -> String {
        path.lastIndex(of: "/").map { path[...$0] + name } ?? name
    }

    /// Connects to the entropy socket.
    func bits(_ console: Console) throws(Failure) -> EntropySource {
        do {
            return try EntropySource(
                path: entropyPath(console), allowsSimulated: allowSimulated, isInterrupted: console.isInterrupted)
        } catch {
            throw .diffusion(.bits(error))
        }
    }

    /// How long to wait for lanes that are not good yet, in nanoseconds.
    private static let patience: UInt64 = 15_000_000_000
    /// The rest between two attempts, in microseconds.
    private static let rest: UInt32 = 200_000

    /// Leases lanes for as long as the result is held. Lanes that another lease has just given back are waited for.
    ///
    /// - Parameters:
    ///   - board: by name or serial number; nil for the only one.
    ///   - count: the number of lanes; nil for three quarters of the good ones, so that the others go on giving bits.
    func lease(_ board: String?, count: Int?, _ console: Console) throws(Failure) -> ArrayLease {
        let begin = monotonicNanoseconds()
        while true {
            do throws(ArrayError) {
                return try ArrayLease(
                    path: controlPath(console), board: board, count: count ?? usualCount(board, console),
                    allowsSimulated: allowSimulated)
            } catch {
                guard case .notEnoughLanes = error, monotonicNanoseconds() - begin < Self.patience else {
                    throw .diffusion(.array(error))
                }
            }
            guard !console.isInterrupted() else { throw .diffusion(.interrupted) }
            usleep(Self.rest)
        }
    }

    /// Three quarters of the lanes of a board that should be good, most of which are; nil when that is not known.
    private func usualCount(_ board: String?, _ console: Console) -> Int? {
        guard let client = try? ControlClient(path: controlPath(console)), let boards = try? client.boards(),
            let found = boards.first(where: { board == nil || $0.name == board || $0.serial == board })
        else { return nil }
        return max(1, found.lanes * 3 / 4)
    }

    /// The names of the daemon's boards and its version; nil when its control socket does not answer this user.
    func daemon(_ console: Console) -> (boards: [String], version: String)? {
        guard let client = try? ControlClient(path: controlPath(console)), let status = try? client.status() else {
            return nil
        }
        return (status.boards.map(\.name), status.service.version)
    }
}

extension DiffusionError {
    /// Runs an operation of the process, with its error as one of a verb.
    static func failing<Result>(
        _ body: () throws(DiffusionError) -> Result
    ) throws(Failure) -> Result {
        do {
            return try body()
        } catch {
            throw .diffusion(error)
        }
    }
}

/// The line that has to be seen before anything else; empty when the provenance is genuine.
func banner(_ provenance: Provenance?, _ subject: String) -> String {
    switch provenance {
    case .simulated: "SIMULATED — \(subject) come from a model of an array, which is not random\n\n"
    case .replay: "REPLAY — \(subject) come from a recording\n\n"
    case .hardware, .host, nil: ""
    }
}
