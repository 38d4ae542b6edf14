// SPDX-License-Identifier: Apache-2.0

import SoftwareUSB
import Synchronization

/// A device that answers what it is told to.
final class ScriptedFunction: USBFunction {
    private struct Script {
        var outcomes: [USBOutcome] = []
        var resets = 0
        var written: [UInt8] = []
    }

    let identity = USBIdentity(
        speed: .high, device: [UInt8](0..<18), configuration: [9, 2, 9, 0, 1, 1, 0, 0x80, 1],
        strings: ["maker", "thing", "ÄÖ"])
    private let script = Mutex(Script())

    var resets: Int { script.withLock { $0.resets } }
    var written: [UInt8] { script.withLock { $0.written } }

    /// What comes of the next transfers; the last of them of all that follow.
    func answer(_ outcomes: USBOutcome...) { script.withLock { $0.outcomes = outcomes } }

    private func next() -> USBOutcome {
        script.withLock { script in
            guard script.outcomes.count > 1 else { return script.outcomes.first ?? .notYet }
            return script.outcomes.removeFirst()
        }
    }

    func control(_ setup: USBSetup, data: UnsafeMutableRawBufferPointer) -> USBOutcome { next() }

    /// Fills what it brings with 0x5A.
    func read(endpoint: UInt8, into buffer: UnsafeMutableRawBufferPointer) -> USBOutcome {
        let outcome = next()
        if case .done(let count) = outcome {
            for index in 0..<min(count, buffer.count) { buffer[index] = 0x5A }
        }
        return outcome
    }

    func write(endpoint: UInt8, _ bytes: UnsafeRawBufferPointer) -> USBOutcome {
        script.withLock { $0.written += bytes }
        return next()
    }

    func clearHalt(endpoint: UInt8) {}
    func reset() { script.withLock { $0.resets += 1 } }
}
