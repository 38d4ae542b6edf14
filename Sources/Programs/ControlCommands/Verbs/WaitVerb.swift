// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Glibc
import LinuxPlatform

struct WaitVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until a board serves bits, for scripts and units.",
        discussion: """
            Also waits for metrngd if it is not running yet. Simulated bits count; the output says that \
            they are simulated.
            """)

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "healthy: bits are served; board: a board is present, whatever its health; bytes=N: at least"
                + " N bytes of full entropy are ready.", valueName: "condition"),
        transform: WaitCondition.init(parsing:))
    var condition: WaitCondition

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Time limit in seconds (default: none).", valueName: "seconds"))
    var timeout: Double?

    @OptionGroup var options: ReadingOptions

    @Argument(help: "A board, by name or serial (default: any board).")
    var board: String?

    /// Seconds between polls.
    private static let interval = 0.25

    func validate() throws {
        if let timeout, !(timeout >= 0 && timeout <= 1e9) {
            throw ValidationError("--timeout takes a number of seconds from 0")
        }
    }

    func perform(on console: Console) throws(Failure) -> MectlExit {
        console.catchInterrupts()
        let end = timeout.map { monotonicNanoseconds() + UInt64($0 * 1e9) }
        while true {
            let attempt = Result { () throws(Failure) in try look(console) }
            switch attempt {
            case .success(.holds(let status)):
                try options.show(status, on: console)
                return .success
            case .success(.impossible(let reason)): throw .waitFailed(reason, hint: nil)
            case .failure(let failure) where !failure.isTransient: throw failure
            case .success(.pending), .failure: break
            }
            if console.isInterrupted() { throw .interrupted }
            if let end, monotonicNanoseconds() >= end { throw Self.failure(attempt) }
            usleep(UInt32(Self.interval * 1e6))
        }
    }

    /// The result of one poll.
    private enum Finding {
        case holds(StatusReport)
        /// The condition does not hold yet, with the reason and a hint.
        case pending(reason: String, hint: String?)
        /// The condition can never hold, with the reason.
        case impossible(String)
    }

    private func look(_ console: Console) throws(Failure) -> Finding {
        let status = try options.ask(console) { (client) throws(ControlClientError) in
            try client.status(of: board)
        }
        if status.boards.contains(where: condition.holds) { return .holds(status) }
        if let room = condition.capacityShortfall(in: status.boards) { return .impossible(room) }
        let troubled = status.boards.first { $0.cause != nil }
        let reason =
            troubled.map { "\($0.name): \($0.cause ?? "")" } ?? condition.waitingText(status.boards)
        return .pending(reason: printable(reason), hint: troubled?.remedy.map { printable($0) })
    }

    private static func failure(_ attempt: Result<Finding, Failure>) -> Failure {
        switch attempt {
        case .success(.pending(let reason, let hint)): .waitFailed(reason, hint: hint)
        case .success: .waitFailed("the time limit has passed", hint: nil)
        case .failure(let failure): failure
        }
    }
}

extension Failure {
    /// Whether the next poll may succeed: the daemon is not there yet, or is restarting.
    fileprivate var isTransient: Bool { exitCode == .unreachable }
}

/// The condition to wait for.
enum WaitCondition: Sendable, Equatable {
    case healthy
    case board
    case bytes(Int)

    @Sendable init(parsing text: String) throws {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("healthy", 1): self = .healthy
        case ("board", 1): self = .board
        case ("bytes", 2):
            guard let count = Int(parts[1]), count > 0 else {
                throw ValidationError("bytes= takes a number from 1")
            }
            self = .bytes(count)
        default:
            throw ValidationError(
                "there is no condition \(printable(text)): use healthy, board or bytes=N")
        }
    }

    func holds(_ board: BoardStatus) -> Bool {
        let serves = board.state == .serving || board.state == .idle
        return switch self {
        case .board: board.state != .failed && board.state != .ended
        case .healthy: serves && board.rings.contains { $0.availableBytes > 0 }
        case .bytes(let count): serves && (Self.ring(of: board)?.availableBytes ?? 0) >= count
        }
    }

    /// The reason that no ring can ever hold the bytes; nil if one can.
    func capacityShortfall(in boards: [BoardStatus]) -> String? {
        guard case .bytes(let count) = self,
            let largest = boards.compactMap({ Self.ring(of: $0)?.capacityBytes }).max(),
            largest < count
        else { return nil }
        return "no ring holds \(grouped(count)) bytes: raise rings.fullBytes (now"
            + " \(grouped(largest))), or wait for fewer"
    }

    func waitingText(_ boards: [BoardStatus]) -> String {
        if boards.isEmpty { return "no board is configured" }
        let states = boards.map { "\($0.name) is \($0.state.rawValue)" }.joined(separator: ", ")
        guard case .bytes(let count) = self else { return states }
        let most = boards.compactMap { Self.ring(of: $0)?.availableBytes }.max() ?? 0
        return "\(states); \(grouped(most)) of \(grouped(count)) bytes are ready"
    }

    private static func ring(of board: BoardStatus) -> RingStatus? {
        board.rings.first { $0.grade == "full" }
    }
}
