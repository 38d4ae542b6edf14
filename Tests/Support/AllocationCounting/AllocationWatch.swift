// SPDX-License-Identifier: Apache-2.0

import CAllocationCounter
import Glibc

/// Counts the allocations of memory that one thread makes, from its creation until it is let go of.
///
/// Only the watched thread is counted, whatever others do meanwhile. Any thread may ask.
package final class AllocationWatch: Sendable {
    private let number: Int32

    /// Whether allocations can be counted in this process: not under a sanitizer, which has an allocator
    /// of its own.
    package static var isPossible: Bool { callocationcounter_counts() }

    /// The thread that calls, as a watch wants it.
    package static var thisThread: Int32 { callocationcounter_this_thread() }

    /// - Parameter thread: `thisThread` of any thread of this process.
    package init(thread: Int32 = AllocationWatch.thisThread) {
        number = callocationcounter_begin(thread)
        precondition(number >= 0, "too many threads are watched")
    }

    deinit { callocationcounter_end(number) }

    /// How many allocations there were.
    package var count: Int { callocationcounter_count(number) }

    /// Where the first allocation was made: a line for each function, the innermost first.
    package var first: [String] {
        var frames = [UnsafeMutableRawPointer?](
            repeating: nil, count: Int(CALLOCATIONCOUNTER_FRAMES))
        let count = callocationcounter_first(number, &frames)
        return frames.prefix(count).map(describe)
    }
}

/// What the thread that calls allocated while it ran something.
package struct Allocations: CustomStringConvertible {
    package let count: Int
    /// Where the first allocation was made.
    package let first: [String]

    /// The number and where the first was made, for the message of a test that fails.
    package var description: String {
        (["\(count) allocations, the first one in"] + first).joined(separator: "\n    ")
    }
}

/// Counts the allocations that the thread that calls makes in `body`.
package func allocations(
    in body: () throws -> Void
) rethrows -> Allocations {
    let watch = AllocationWatch()
    try body()
    // Read before anything that allocates.
    let count = watch.count
    return Allocations(count: count, first: watch.first)
}

/// The function that an address is in, as far as the program says.
private func describe(_ address: UnsafeMutableRawPointer?) -> String {
    var name = [CChar](repeating: 0, count: 1024)
    guard callocationcounter_name(address, &name, name.count) else { return "\(address as Any)" }
    return demangled(name)
}

@_silgen_name("swift_demangle")
private func swiftDemangle(
    _ name: UnsafePointer<CChar>, _ count: Int, _ output: UnsafeMutablePointer<CChar>?,
    _ outputCount: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

private func demangled(_ name: UnsafePointer<CChar>) -> String {
    guard let text = swiftDemangle(name, strlen(name), nil, nil, 0) else {
        return String(cString: name)
    }
    defer { free(text) }
    return String(cString: text)
}
