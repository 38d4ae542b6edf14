// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlTestSupport
import LinuxPlatform
import Synchronization
import TestSupport

/// One run of `mectl` in this process: what it wrote and its exit code.
struct Invocation: Sendable {
    let exitCode: Int32
    let output: String
    /// The bytes that were written to the standard output, beside `output`.
    let bytes: [UInt8]
    let messages: String

    /// - Parameters:
    ///   - environment: of the process; `METRNG_CONTROL` in it names the socket.
    ///   - isTerminal: whether the output is one.
    ///   - messagesAreOnTerminal: whether the messages are.
    ///   - rows: of the terminal.
    ///   - columns: of the terminal; wide enough for every line, unless a test is about folding.
    ///   - room: after how many pieces of output the reader closes.
    ///   - onOutput: is told of each piece of output, after it.
    ///   - onMessage: is told of each message, after it.
    ///   - isInterrupted: whether somebody has pressed Ctrl-C by now.
    init(
        _ arguments: [String], environment: [String: String] = [:], isTerminal: Bool = false,
        messagesAreOnTerminal: Bool = false, rows: Int = 24, columns: Int = 200, room: Int = .max,
        onOutput: @escaping @Sendable (String) -> Void = { _ in },
        onMessage: @escaping @Sendable (String) -> Void = { _ in },
        isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) {
        let transcript = Transcript()
        let console = Console(
            environment: environment, outputIsTerminal: isTerminal,
            messagesAreOnTerminal: messagesAreOnTerminal, terminalSize: { TerminalSize(rows: rows, columns: columns) },
            now: { Samples.now },
            write: { (text) throws(OutputError) in
                let pieces = transcript.output.withLock { output in
                    output.append(text)
                    return output.count
                }
                onOutput(text)
                if pieces > room { throw .closed }
            },
            writeBytes: { (bytes) throws(OutputError) in
                let pieces = transcript.bytes.withLock { pieces in
                    pieces.append(Array(bytes))
                    return pieces.count
                }
                if pieces > room { throw .closed }
            },
            tell: { text in
                transcript.messages.withLock { $0 += text }
                onMessage(text)
            },
            endOnInterrupt: {}, catchInterrupts: {}, isInterrupted: isInterrupted,
            isDaemon: { _ in true }, identify: { $0 })
        exitCode = runMectl(arguments, on: console)
        output = transcript.output.withLock { $0.prefix(room).joined() }
        bytes = transcript.bytes.withLock { Array($0.prefix(room).joined()) }
        messages = transcript.messages.withLock { $0 }
    }

    private final class Transcript: Sendable {
        let output = Mutex<[String]>([])
        let bytes = Mutex<[[UInt8]]>([])
        let messages = Mutex("")
    }
}
