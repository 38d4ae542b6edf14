// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import LaneHealth
import TestSupport

/// A health window with the memory it works in.
final class OwnedWindow {
    let window: HealthWindow
    private let memory: UnsafeMutableRawBufferPointer

    init(lanes: Int, cutoffs: HealthCutoffs, features: ck_features = ck_features_here()) {
        memory = .allocate(
            byteCount: HealthWindow.byteCount(lanes: lanes, cutoffs: cutoffs), alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        var random = SeededGenerator(1)
        window = HealthWindow(
            lanes: lanes, cutoffs: cutoffs, memory: memory, features: features, random: &random)
    }

    deinit { memory.deallocate() }

    /// How many 64-bit words of all the memory are not zero.
    var nonzeroWords: Int { memory.bindMemory(to: UInt64.self).count { $0 != 0 } }

    /// Tests the next window of a stream.
    ///
    /// - Parameters:
    ///   - rows: 1,024 rows.
    ///   - inspect: is given the window when it was tested.
    func findings(
        in rows: [UInt64], inspect: (HealthWindow) -> Void = { _ in }
    ) -> WindowFindings {
        let taken = rows.withUnsafeBytes { window.append($0) }
        precondition(taken == rows.count * 8 && window.isFull)
        window.test()
        inspect(window)
        defer { window.advance() }
        return window.findings
    }

    /// Appends a stream in pieces, testing whenever a window is full.
    ///
    /// - Parameter pieces: how many bytes are offered at a time, over and over; at least a row each.
    func findings(in rows: [UInt64], offering pieces: [Int]) -> [WindowFindings] {
        var all: [WindowFindings] = []
        var (at, turn) = (0, 0)
        rows.withUnsafeBytes { bytes in
            while at < bytes.count {
                let end = min(at + pieces[turn % pieces.count], bytes.count)
                at += window.append(UnsafeRawBufferPointer(rebasing: bytes[at..<end]))
                turn += 1
                guard window.isFull else { continue }
                window.test()
                all.append(window.findings)
                window.advance()
            }
        }
        return all
    }
}
