// SPDX-License-Identifier: Apache-2.0

import CFuzzDriver
import Glibc

extension FuzzTarget {
    /// Parsers with a bug each, met by inputs that begin with `!`: the harness has to report every one.
    package static let planted = [
        FuzzTarget("planted-over-read") { bytes in
            guard isMarked(bytes), let end = bytes.baseAddress?.advanced(by: bytes.count) else {
                return
            }
            _ = cfuzz_read(end.assumingMemoryBound(to: UInt8.self))
        },
        FuzzTarget("planted-trap") { bytes in
            require(!isMarked(bytes), "no input begins with the mark")
        },
        FuzzTarget("planted-hang") { bytes in
            while isMarked(bytes) {}
        },
        FuzzTarget("planted-allocation") { bytes in
            guard isMarked(bytes) else { return }
            let hoard = [UInt8](repeating: 1, count: 1 << 30)
            require(hoard.last == 1, "memory holds what is put into it")
        },
        FuzzTarget("planted-recursion") { bytes in
            if isMarked(bytes) { _ = depth(below: bytes) }
        },
        FuzzTarget("planted-leak") { bytes in
            if isMarked(bytes) { leak() }
        },
    ]

    private final class Leaked {}

    // Optimised code would leave out an object that nothing uses.
    @inline(never) @_optimize(none)
    private static func leak() { _ = Unmanaged.passRetained(Leaked()) }

    private static func isMarked(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.first == UInt8(ascii: "!")
    }

    private static func depth(below bytes: UnsafeRawBufferPointer) -> Int {
        isMarked(bytes) ? 1 + depth(below: bytes) / 2 : 0
    }
}
