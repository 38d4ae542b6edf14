// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform
import Synchronization

/// Why data could not be written.
package typealias OutputError = SystemError

/// The environment of a verb, and its output.
package struct Console: Sendable {
    package var environment: [String: String]
    package var outputIsTerminal: Bool
    /// Whether messages, on the standard error, go to a terminal.
    package var messagesAreOnTerminal: Bool
    /// The columns of the terminal of the output; nil when that is not known.
    package var columns: @Sendable () -> Int?
    /// Writes a text to the standard output.
    package var write: @Sendable (String) throws(OutputError) -> Void
    /// Writes a message to the standard error.
    package var tell: @Sendable (String) -> Void
    /// From now on, the first SIGINT or SIGTERM ends nothing, and `isInterrupted` reports it; a second one ends the
    /// program.
    package var catchInterrupts: @Sendable () -> Void
    package var isInterrupted: @Sendable () -> Bool

    package init(
        environment: [String: String], outputIsTerminal: Bool, messagesAreOnTerminal: Bool,
        columns: @escaping @Sendable () -> Int?, write: @escaping @Sendable (String) throws(OutputError) -> Void,
        tell: @escaping @Sendable (String) -> Void, catchInterrupts: @escaping @Sendable () -> Void,
        isInterrupted: @escaping @Sendable () -> Bool
    ) {
        self.environment = environment
        self.outputIsTerminal = outputIsTerminal
        self.messagesAreOnTerminal = messagesAreOnTerminal
        self.columns = columns
        self.write = write
        self.tell = tell
        self.catchInterrupts = catchInterrupts
        self.isInterrupted = isInterrupted
    }

    /// A variable of the environment; an empty one counts as not set.
    func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether the locale shows text outside ASCII: not `C`, `POSIX` and those of other character sets. Without a
    /// locale it is taken to.
    var showsUnicode: Bool {
        guard let locale = variable("LC_ALL") ?? variable("LC_CTYPE") ?? variable("LANG") else { return true }
        let upper = locale.uppercased()
        return upper.hasSuffix("UTF-8") || upper.hasSuffix("UTF8")
    }

    /// The columns that a picture or a line may take.
    var width: Int { outputIsTerminal ? max(columns() ?? 80, 20) : 80 }

    /// Writes a text to the standard output.
    func show(_ text: String) throws(Failure) {
        do {
            try write(text)
        } catch {
            throw .output(error)
        }
    }
}

extension Console {
    /// Makes the console of this process. Call it before any file or socket is opened.
    package static func ofProcess(environment: [String: String]) -> Console {
        prepareStandardStreams()
        return Console(
            environment: environment, outputIsTerminal: isatty(STDOUT_FILENO) == 1,
            messagesAreOnTerminal: isatty(STDERR_FILENO) == 1,
            columns: { TerminalSize(of: STDOUT_FILENO)?.columns },
            write: { (text) throws(OutputError) in try writeAll(Array(text.utf8), to: STDOUT_FILENO) },
            tell: { writeToStandardError($0) },
            catchInterrupts: {
                for number in [SIGINT, SIGTERM] {
                    signal(number) { number in
                        if wasInterrupted.exchange(true, ordering: .relaxed) { _exit(128 + number) }
                    }
                }
                var signals = sigset_t()
                sigemptyset(&signals)
                for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
                pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            }, isInterrupted: { wasInterrupted.load(ordering: .relaxed) })
    }
}

/// Set by handlers of signals.
private let wasInterrupted = Atomic(false)

private func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let part = rest
        let count = try system("write to", "the standard output") {
            part.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
        rest = rest.dropFirst(count)
    }
}
