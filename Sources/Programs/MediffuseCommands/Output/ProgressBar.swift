// SPDX-License-Identifier: Apache-2.0

import Diffusion
import LinuxPlatform

/// A line on a terminal that shows how far something is; nothing anywhere else.
final class ProgressBar {
    private static let cells = 24
    /// The rest between two drawings, in nanoseconds.
    private static let rest: UInt64 = 50_000_000

    private let console: Console
    private var drawn: UInt64 = 0
    private var isShown = false

    init(on console: Console) { self.console = console }

    deinit { clear() }

    /// A handler of progress that draws, and ends the operation after an interrupt.
    ///
    /// - Parameters:
    ///   - title: what is done.
    ///   - unit: of the work.
    func handler(_ title: String, unit: String, from done: Int = 0, of whole: Int? = nil) -> ProgressHandler {
        { [self] part, total in
            show(title, done + part, whole ?? total, unit)
            return !console.isInterrupted()
        }
    }

    private func show(_ title: String, _ done: Int, _ total: Int, _ unit: String) {
        guard console.messagesAreOnTerminal else { return }
        let now = monotonicNanoseconds()
        guard now - drawn > Self.rest || done >= total else { return }
        drawn = now
        isShown = true
        let filled = total > 0 ? min(Self.cells, done * Self.cells / total) : 0
        let (full, empty) = console.showsUnicode ? ("█", "░") : ("#", ".")
        let bar = String(repeating: full, count: filled) + String(repeating: empty, count: Self.cells - filled)
        console.tell("\r\(title) \(bar) \(done)/\(total) \(unit)\u{1B}[K")
    }

    /// Clears the line.
    func clear() {
        if isShown { console.tell("\r\u{1B}[K") }
        isShown = false
    }
}
