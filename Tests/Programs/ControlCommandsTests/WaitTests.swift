// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import ControlTestSupport
import LinuxPlatform
import TestSupport
import Testing

@Suite(
    "mectl wait: each condition when it holds, when it does not in time, when it never can; daemons that are not there",
    .timeLimit(.minutes(5)))
struct WaitTests {
    private static func wait(_ daemon: FakeDaemon, _ arguments: String...) -> Invocation {
        Invocation(
            ["wait"] + arguments, environment: ["METRNG_CONTROL": daemon.path, "NO_COLOR": "1"])
    }

    /// A board with so many bytes of full entropy in a ring of 64 KiB.
    private static func board(
        _ state: BoardState, bytes: Int, cause: String? = nil, remedy: String? = nil
    ) -> BoardStatus {
        var board = Samples.board
        board.state = state
        board.cause = cause
        board.remedy = remedy
        board.rings = [
            RingStatus(
                grade: "full", capacityBytes: 65_536, availableBytes: bytes, deliveredBytes: 0,
                deliveredBytesPerSecond: 0)
        ]
        return board
    }

    @Test(
        "What holds already is told at once, with what the bits are",
        arguments: [
            ("healthy", BoardState.serving, 1), ("healthy", .idle, 65_536),
            ("board", .unhealthy, 0),
            ("board", .starting, 0), ("bytes=4096", .serving, 4096),
        ])
    func holds(condition: String, state: BoardState, bytes: Int) throws {
        let daemon = try FakeDaemon(boards: [Self.board(state, bytes: bytes)])
        let invocation = Self.wait(daemon, "--for", condition)
        #expect(invocation.exitCode == 0)
        #expect(invocation.output.contains("SIMULATED"))
    }

    @Test(
        "What does not hold is told when the time is over, with the cause and the remedy",
        arguments: [
            ("healthy", BoardState.serving, 0), ("healthy", .tuning, 4096),
            ("healthy", .unhealthy, 4096), ("board", .failed, 4096), ("board", .ended, 4096),
            ("bytes=4097", .serving, 4096), ("bytes=1", .unhealthy, 4096),
        ])
    func doesNotHold(condition: String, state: BoardState, bytes: Int) throws {
        let board = Self.board(state, bytes: bytes, cause: "the lanes sleep", remedy: "wake them")
        let daemon = try FakeDaemon(boards: [board])
        let invocation = Self.wait(daemon, "--for", condition, "--timeout", "0")
        #expect(invocation.exitCode == 3 && invocation.output == "")
        #expect(invocation.messages.contains("error: board0: the lanes sleep"))
        #expect(invocation.messages.contains("hint: wake them"))
    }

    @Test("Without a cause, it tells how far it is")
    func progress() throws {
        let daemon = try FakeDaemon(boards: [Self.board(.starting, bytes: 32)])
        let invocation = Self.wait(daemon, "--for", "bytes=64", "--timeout", "0")
        #expect(invocation.exitCode == 3)
        #expect(
            invocation.messages == "mectl: error: board0 is starting; 32 of 64 bytes are ready\n")
        let none = try FakeDaemon(boards: [])
        #expect(Self.wait(none, "--for", "board", "--timeout", "0").exitCode == 3)
    }

    @Test("What no ring has room for is not waited for")
    func noRoom() throws {
        let daemon = try FakeDaemon(boards: [Self.board(.serving, bytes: 65_536)])
        let invocation = Self.wait(daemon, "--for", "bytes=65537")
        #expect(invocation.exitCode == 3)
        #expect(invocation.messages.contains("raise rings.fullBytes (now 65,536)"))
    }

    @Test("It ends as soon as what it waits for comes")
    func comes() throws {
        let daemon = try FakeDaemon(boards: [Self.board(.starting, bytes: 0)])
        let provider = daemon.provider
        let worker = try WorkerThread(name: "change") {
            linger()
            provider.setBoards([Self.board(.serving, bytes: 64)])
        }
        #expect(Self.wait(daemon, "--for", "healthy", "--json").exitCode == 0)
        worker.join()
    }

    @Test("A daemon that is not there is waited for, and told when the time is over")
    func noDaemon() {
        let invocation = Invocation([
            "wait", "--for", "healthy", "--timeout", "0.3", "--socket", "/nowhere/control.sock",
        ])
        #expect(invocation.exitCode == 69)
        #expect(invocation.messages.contains("cannot connect"))
    }

    @Test("A board that is not configured is no board to wait for")
    func noSuchBoard() throws {
        let daemon = try FakeDaemon()
        #expect(Self.wait(daemon, "--for", "healthy", "other").exitCode == 4)
    }

    @Test(
        "Arguments that make no sense are refused",
        arguments: [
            [], ["--for", "luck"], ["--for", "bytes"], ["--for", "bytes=0"], ["--for", "bytes=x"],
            ["--for", "bytes=1=2"], ["--for", ""], ["--for", "healthy", "--timeout", "-1"],
            ["--for", "healthy", "--timeout", "nan"], ["--for", "healthy", "--timeout", "inf"],
        ])
    func usage(arguments: [String]) {
        #expect(Invocation(["wait"] + arguments).exitCode == 64)
    }
}
