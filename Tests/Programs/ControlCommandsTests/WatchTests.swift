// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import ControlTestSupport
import Synchronization
import TestSupport
import Testing
import Varlink

@Suite(
    "mectl watch: updates on a terminal, without one and as JSON; a board and a daemon that go",
    .timeLimit(.minutes(5)))
struct WatchTests {
    @Test("A daemon that restarts is waited for, and its updates go on")
    func restart() throws {
        let directory = TemporaryDirectory()
        let daemon = Mutex<FakeDaemon?>(try FakeDaemon(in: directory))
        let path = directory.file("control.sock")
        let updates = Tally()
        let invocation = Invocation(
            ["watch", "--interval", "0.1", "--socket", path], room: 4,
            onOutput: { _ in
                updates.add(1)
                if updates.value == 2 { daemon.withLock { $0 = nil } }
            },
            onMessage: { _ in
                daemon.withLock { daemon in
                    if daemon == nil { daemon = try? FakeDaemon(in: directory) }
                }
            })
        #expect(invocation.exitCode == 0)
        #expect(invocation.messages == "mectl: note: metrngd does not answer; waiting for it\n")
        #expect(updates.value == 5)
    }

    @Test("A daemon that was never there is not waited for")
    func absent() {
        let directory = TemporaryDirectory()
        let invocation = Invocation(["watch", "--socket", directory.file("control.sock")])
        #expect(invocation.exitCode == 69)
    }

    private static func watch(
        _ daemon: FakeDaemon, _ arguments: [String] = [], isTerminal: Bool = false, room: Int
    ) -> Invocation {
        Invocation(
            ["watch", "--interval", "0.1"] + arguments,
            environment: ["METRNG_CONTROL": daemon.path, "NO_COLOR": "1"], isTerminal: isTerminal,
            room: room)
    }

    private static func status() throws -> String {
        try Samples.status
            .rendered(as: .text(palette: .plain, now: Samples.now))
    }

    @Test("Prints a line an update as JSON, and ends quietly when its reader has had enough")
    func json() throws {
        let daemon = try FakeDaemon()
        let invocation = Self.watch(daemon, ["--json"], room: 3)
        #expect(invocation.exitCode == 0 && invocation.messages == "")
        let line = try Samples.status.rendered(as: .json)
        #expect(invocation.output == line + line + line)
    }

    @Test("Appends updates, set apart by an empty line, where there is no terminal")
    func appended() throws {
        let daemon = try FakeDaemon()
        let screen = try Self.status()
        #expect(Self.watch(daemon, room: 2).output == screen + "\n" + screen)
    }

    @Test("Draws each update over the one before on a terminal, without clearing in between")
    func inPlace() throws {
        let daemon = try FakeDaemon()
        let drawn =
            "\u{1B}[H" + (try Self.status()).replacing("\n", with: "\u{1B}[K\n") + "\u{1B}[J"
        let output = Self.watch(daemon, isTerminal: true, room: 2).output
        #expect(output == "\u{1B}[2J" + drawn + drawn)
    }

    @Test("Keeps the first line in sight on a terminal that is too small for the rest")
    func smallTerminal() throws {
        let daemon = try FakeDaemon()
        let invocation = Invocation(
            ["watch", "--socket", daemon.path, "--interval", "0.1"], isTerminal: true, rows: 6,
            room: 1)
        let lines = invocation.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 6)
        #expect(lines[0].contains("SIMULATED"))
        #expect(lines[4].contains(" more lines: the terminal has too few rows)"))
    }

    @Test("Counts the rows of folded lines, so that the first line stays in sight on a narrow terminal")
    func narrowTerminal() throws {
        let daemon = try FakeDaemon()
        let invocation = Invocation(
            ["watch", "--socket", daemon.path, "--interval", "0.1"], isTerminal: true, rows: 12, columns: 60,
            room: 1)
        let lines = invocation.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 12)
        #expect(lines[0].contains("SIMULATED"))
        for line in lines { #expect(line.replacing(/\u{1B}\[[0-9;]*[A-Za-z]/, with: "").count <= 60) }
    }

    @Test("Shows what changes, and ends when its board goes")
    func changes() throws {
        let daemon = try FakeDaemon()
        let provider = daemon.provider
        let stepper = Stepper { step in
            var board = Samples.board
            board.state = .idle
            provider.setBoards(step == 1 ? [board] : [])
        }
        let invocation = Invocation(
            ["watch", "board0", "--interval", "0.1"],
            environment: ["METRNG_CONTROL": daemon.path], onOutput: { _ in stepper.advance() })
        #expect(invocation.output.contains("State: serving"))
        #expect(invocation.output.contains("State: idle"))
        #expect(invocation.exitCode == 4)
        #expect(invocation.messages.contains("there is no board board0"))
    }

    private final class Stepper: Sendable {
        private let count = Atomic(0)
        private let onStep: @Sendable (Int) -> Void

        init(onStep: @escaping @Sendable (Int) -> Void) {
            self.onStep = onStep
        }

        func advance() { onStep(count.add(1, ordering: .relaxed).newValue) }
    }
}
