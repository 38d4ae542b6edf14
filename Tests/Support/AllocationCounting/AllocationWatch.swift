// SPDX-License-Identifier: Apache-2.0

import CAllocationCounter
import Glibc
package import Testing

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

    /// Counts no more.
    package func stop() { callocationcounter_stop(number) }

    /// Leaves out what the thread that calls allocates in `body`, in all watches. Not nested.
    package static func leavingOut<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        callocationcounter_ignore(true)
        defer { callocationcounter_ignore(false) }
        return try body()
    }

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

extension Trait where Self == ConditionTrait {
    /// A test that counts allocations.
    package static var countsAllocations: Self {
        .enabled(if: AllocationWatch.isPossible, "a sanitizer has an allocator of its own")
    }

    /// A test of code that allocates where it is not optimised, in whatever way it is written: it counts in a release
    /// build only, which is what `make test` runs.
    package static var countsAllocationsOfOptimisedCode: Self {
        #if DEBUG
            .enabled(if: false, "code that is not optimised allocates: left to make test")
        #else
            .countsAllocations
        #endif
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
    watch.stop()
    return Allocations(count: watch.count, first: watch.first)
}

/// The function that an address is in, or else the file and the offset in it, for `addr2line`.
private func describe(_ address: UnsafeMutableRawPointer?) -> String {
    var text = [CChar](repeating: 0, count: 1024)
    callocationcounter_describe(address, &text, text.count)
    return demangled(text)
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
