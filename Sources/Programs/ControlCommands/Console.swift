// SPDX-License-Identifier: Apache-2.0

package import ControlInterface
import Glibc
package import LinuxPlatform
import Synchronization
import Varlink

/// Why data could not be written.
package enum OutputError: Error, Equatable {
    /// The reader has closed the pipe, as `head` does when it has enough.
    case closed
    case system(SystemError)

    /// The error of the call that failed.
    var systemError: SystemError {
        switch self {
        case .closed: SystemError("write to", "the standard output", code: EPIPE)
        case .system(let error): error
        }
    }
}

/// The name by which options mean the standard output instead of a file.
let standardOutputName = "-"

/// The environment of a verb, and its output.
package struct Console: Sendable {
    package var environment: [String: String]
    package var outputIsTerminal: Bool
    /// Whether messages, on the standard error, go to a terminal.
    package var messagesAreOnTerminal: Bool
    /// The present size of the terminal of the output; nil when that is not known.
    package var terminalSize: @Sendable () -> TerminalSize?
    /// In seconds since the Unix epoch.
    package var now: @Sendable () -> Double
    /// Writes data, as it is, to the standard output.
    package var write: @Sendable (String) throws(OutputError) -> Void
    /// Writes bytes, all of them, to the standard output.
    package var writeBytes: @Sendable (UnsafeRawBufferPointer) throws(OutputError) -> Void
    /// Writes a message, as it is, to the standard error.
    package var tell: @Sendable (String) -> Void
    /// From now on, an interrupt (Ctrl-C) ends the program with exit code 0.
    package var endOnInterrupt: @Sendable () -> Void
    /// From now on, SIGINT and SIGTERM end nothing; `isInterrupted` reports them.
    package var catchInterrupts: @Sendable () -> Void
    package var isInterrupted: @Sendable () -> Bool
    /// Whether the process of that number, as this program sees it, is a metrngd.
    package var isDaemon: @Sendable (Int) -> Bool
    /// Fills in what this machine knows of the process that a client is.
    package var identify: @Sendable (ClientStatus) -> ClientStatus

    package init(
        environment: [String: String], outputIsTerminal: Bool, messagesAreOnTerminal: Bool,
        terminalSize: @escaping @Sendable () -> TerminalSize?, now: @escaping @Sendable () -> Double,
        write: @escaping @Sendable (String) throws(OutputError) -> Void,
        writeBytes: @escaping @Sendable (UnsafeRawBufferPointer) throws(OutputError) -> Void,
        tell: @escaping @Sendable (String) -> Void, endOnInterrupt: @escaping @Sendable () -> Void,
        catchInterrupts: @escaping @Sendable () -> Void,
        isInterrupted: @escaping @Sendable () -> Bool,
        isDaemon: @escaping @Sendable (Int) -> Bool,
        identify: @escaping @Sendable (ClientStatus) -> ClientStatus
    ) {
        self.environment = environment
        self.outputIsTerminal = outputIsTerminal
        self.messagesAreOnTerminal = messagesAreOnTerminal
        self.terminalSize = terminalSize
        self.now = now
        self.write = write
        self.writeBytes = writeBytes
        self.tell = tell
        self.endOnInterrupt = endOnInterrupt
        self.catchInterrupts = catchInterrupts
        self.isInterrupted = isInterrupted
        self.isDaemon = isDaemon
        self.identify = identify
    }

    /// Colours are for terminals whose user has not declined them (https://no-color.org).
    var palette: Palette {
        let declined = variable("NO_COLOR") != nil || variable("TERM") == "dumb"
        return outputIsTerminal && !declined ? .colored : .plain
    }

    /// Whether the locale shows text outside ASCII: not `C`, `POSIX` and those of other character sets. Without a
    /// locale it is taken to.
    var showsUnicode: Bool {
        guard let locale = variable("LC_ALL") ?? variable("LC_CTYPE") ?? variable("LANG") else { return true }
        let upper = locale.uppercased()
        return upper.hasSuffix("UTF-8") || upper.hasSuffix("UTF8")
    }

    /// Text for people, as the locale can show it.
    func shown(_ text: String) -> String { showsUnicode ? text : text.inASCII }

    /// Writes a warning to the standard error.
    func warn(_ text: String) { tell(shown("mectl: warning: \(text)\n")) }

    /// A variable of the environment; an empty one counts as not set.
    func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Console {
    /// Makes the console of this process. Call it before any file or socket is opened.
    package static func ofProcess(environment: [String: String]) -> Console {
        prepareStandardStreams()
        return Console(
            environment: environment, outputIsTerminal: isatty(STDOUT_FILENO) == 1,
            messagesAreOnTerminal: isatty(STDERR_FILENO) == 1,
            terminalSize: { TerminalSize(of: STDOUT_FILENO) }, now: { () -> Double in secondsSinceEpoch() },
            write: { (text) throws(OutputError) in try writeAll(text, to: STDOUT_FILENO) },
            writeBytes: { (bytes) throws(OutputError) in try writeAll(bytes, to: STDOUT_FILENO) },
            tell: { text in try? writeAll(text, to: STDERR_FILENO) },
            endOnInterrupt: {
                signal(SIGINT) { _ in _exit(0) }
                unblock([SIGINT])
            },
            catchInterrupts: {
                for number in [SIGINT, SIGTERM] {
                    signal(number) { _ in wasInterrupted.store(true, ordering: .relaxed) }
                }
                unblock([SIGINT, SIGTERM])
            },
            isInterrupted: { wasInterrupted.load(ordering: .relaxed) },
            isDaemon: { number in
                Int32(exactly: number).flatMap(RunningProcess.init)?.command == "metrngd"
            }, identify: { $0.identified() })
    }
}

/// Lets this thread take signals that the program which started this one has blocked.
private func unblock(_ numbers: [Int32]) {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in numbers { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}

/// Set by handlers of signals.
private let wasInterrupted = Atomic(false)

/// Progress messages of a long operation.
struct Progress {
    let console: Console
    /// A note about the operation, printed once, when the daemon has accepted it.
    let note: String
    let unit: String
    private var isAccepted = false

    init(on console: Console, note: String, unit: String) {
        self.console = console
        self.note = note
        self.unit = unit
    }

    /// Shows the progress, on a terminal, in a line that the next message overwrites.
    ///
    /// - Parameter total: 0 before the daemon has accepted it.
    /// - Returns: whether to go on: not after an interrupt.
    mutating func show(_ done: Int, of total: Int) -> VarlinkClient.Decision {
        if total > 0 {
            if !isAccepted { console.tell("mectl: note: \(note)\n") }
            isAccepted = true
            if console.messagesAreOnTerminal {
                console.tell("\rmectl: \(grouped(done)) of \(grouped(total)) \(unit)\u{1B}[K")
            }
        }
        return console.isInterrupted() ? .stop : .proceed
    }

    /// Clears the line of `show`.
    func end() {
        if console.messagesAreOnTerminal { console.tell("\r\u{1B}[K") }
    }
}

private func writeAll(_ text: String, to descriptor: Int32) throws(OutputError) {
    let bytes = Array(text.utf8)
    let result = bytes.withUnsafeBytes { buffer in
        Result { () throws(OutputError) in try writeAll(buffer, to: descriptor) }
    }
    try result.get()
}

/// Writes without a buffer, so that an interrupt loses nothing.
private func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32
) throws(OutputError) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest)
        do {
            let count = try system("write to", "the standard output") {
                Glibc.write(descriptor, part.baseAddress, part.count)
            }
            rest = rest.dropFirst(count)
        } catch {
            throw error.code == EPIPE ? .closed : .system(error)
        }
    }
}
