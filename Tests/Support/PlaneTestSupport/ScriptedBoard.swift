// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import LinuxPlatform
import Synchronization
import TestSupport

/// A board that does what a test says: passes on the bytes it is given, fails when it is told to,
/// and is silent otherwise. It counts the calls, and notes those that break the contract.
///
/// A patient board lets a read wait for the test as long as it takes, so that a test that is slow is
/// not taken for a board that stalls.
package final class ScriptedBoard: Board {
    /// What reading the board comes to.
    package enum Step: Sendable {
        case bytes([UInt8])
        case failure(BoardError)
    }

    /// How often each call was made.
    package struct Calls: Sendable, Equatable {
        package var opens = 0
        package var starts = 0
        package var reads = 0
        package var stops = 0
        package var closes = 0
    }

    private enum Phase: Sendable {
        case closed
        case open
        case streaming
        case stopped
    }

    private struct Script: Sendable {
        var steps: [Step] = []
        var openFailures: [BoardError] = []
        var startFailures: [BoardError] = []
        var calls = Calls()
        var phase = Phase.closed
        var violations: [String] = []
        /// Whether a read found nothing to do since the last step was added.
        var isIdle = false
    }

    private let description: BoardDescription
    private let isPatient: Bool
    private let script = Mutex(Script())
    private let changed: Wakeup

    package init(_ description: BoardDescription, isPatient: Bool = true) throws(SystemError) {
        self.description = description
        self.isPatient = isPatient
        changed = try Wakeup()
    }

    // MARK: The test's side

    /// Lets the next reads, after those that were scripted before, come to this.
    package func add(_ steps: [Step]) {
        script.withLock { script in
            script.steps += steps
            script.isIdle = false
        }
        changed.signal()
    }

    package func add(_ step: Step) { add([step]) }

    /// Lets the next calls of `open` fail, one after another.
    package func failOpening(_ errors: [BoardError]) {
        script.withLock { $0.openFailures += errors }
    }

    /// Lets the next calls of `start` fail, one after another.
    package func failStarting(_ errors: [BoardError]) {
        script.withLock { $0.startFailures += errors }
    }

    package var calls: Calls { script.withLock { $0.calls } }

    /// Calls that came out of order.
    package var violations: [String] { script.withLock { $0.violations } }

    /// Whether all that was scripted was read, and the reader has come back for more: it has done
    /// with the bytes what it does.
    package var isIdle: Bool { script.withLock { $0.isIdle } }

    // MARK: The pipeline's side

    package func open() throws(BoardError) -> BoardDescription {
        try enter("open", from: [.closed], to: .open, count: \.opens, failures: \.openFailures)
        return description
    }

    package func start() throws(BoardError) {
        try enter(
            "start", from: [.open], to: .streaming, count: \.starts, failures: \.startFailures)
    }

    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        script.withLock { script in
            script.calls.reads += 1
            if script.phase != .streaming { script.violations.append("read: \(script.phase)") }
        }
        let count = try takeStep(into: buffer)
        guard count == 0 else { return count }
        script.withLock { $0.isIdle = $0.steps.isEmpty }
        changed.wait(milliseconds: isPatient ? nil : milliseconds)
        return try takeStep(into: buffer)
    }

    package func stop() {
        try? enter("stop", from: [.streaming], to: .stopped, count: \.stops)
    }

    package func close() {
        try? enter("close", from: [.open, .stopped], to: .closed, count: \.closes)
    }

    package func interrupt() { changed.signal() }

    private func enter(
        _ call: String, from allowed: [Phase], to next: Phase,
        count: WritableKeyPath<Calls, Int>, failures: WritableKeyPath<Script, [BoardError]>? = nil
    ) throws(BoardError) {
        let failure: BoardError? = script.withLock { script in
            script.calls[keyPath: count] += 1
            if !allowed.contains(script.phase) {
                script.violations.append("\(call): \(script.phase)")
            }
            if let failures, !script[keyPath: failures].isEmpty {
                return script[keyPath: failures].removeFirst()
            }
            script.phase = next
            return nil
        }
        if let failure { throw failure }
    }

    private func takeStep(into buffer: UnsafeMutableRawBufferPointer) throws(BoardError) -> Int {
        let result: Result<Int, BoardError> = script.withLock { script in
            guard let step = script.steps.first else { return .success(0) }
            script.steps.removeFirst()
            switch step {
            case .failure(let error):
                return .failure(error)
            case .bytes(let bytes):
                let count = min(bytes.count, buffer.count)
                buffer.copyBytes(from: bytes.prefix(count))
                if count < bytes.count {
                    script.steps.insert(.bytes(Array(bytes[count...])), at: 0)
                }
                return .success(count)
            }
        }
        return try result.get()
    }
}
