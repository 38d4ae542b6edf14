// SPDX-License-Identifier: Apache-2.0

import CFuzzDriver
import FuzzTargets
import Glibc
import Synchronization
import TestSupport

private let selection = Mutex<FuzzTarget?>(nil)

/// Chooses the target that `runInput` runs: a C function carries no context.
func select(_ target: FuzzTarget) { selection.withLock { $0 = target } }

private func runInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let target = selection.withLock { $0 }
    target?.run(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}

func fail(_ message: String) -> Never {
    let line = Array("fuzz-parsers: error: \(message)\n".utf8)
    write(STDERR_FILENO, line, line.count)
    exit(64)
}

/// An option of this program: libFuzzer ignores what begins with two dashes.
let targetOption = "--target="

/// Hands the command line to libFuzzer.
func runEngine(_ target: FuzzTarget) -> CInt {
    let words =
        [CommandLine.arguments[0], targetOption + target.name, "-max_len=\(target.inputLimit)"]
        + CommandLine.arguments.dropFirst(2)
    var pointers = words.map { strdup($0) } + [nil]
    var count = CInt(words.count)
    return pointers.withUnsafeMutableBufferPointer { pointers in
        var start = pointers.baseAddress
        return cfuzz_run_engine(&count, &start, runInput)
    }
}

/// In bytes; every target does with far less.
private let memoryLimit = 512 << 20
/// Of processor time, for one input.
private let secondsLimit: UInt32 = 5

/// Runs files and mutations of each.
///
/// - Parameter arguments: MUTATIONS SEED REPRODUCER FILE...
func replay(_ target: FuzzTarget, _ arguments: ArraySlice<String>) -> CInt {
    let words = Array(arguments)
    guard words.count > 3, let mutationCount = Int(words[0]), let seed = UInt64(words[1]) else {
        fail("expected TARGET MUTATIONS SEED REPRODUCER FILE...")
    }
    let corpus: [[UInt8]] = words[3...].map { path in
        do { return try contents(ofFile: path) } catch { fail("\(error)") }
    }
    guard cfuzz_watch(words[2], memoryLimit, secondsLimit) == 0 else {
        fail("cannot watch over the inputs: \(String(cString: strerror(errno)))")
    }
    var mutations = Mutations(seed: seed, corpus: corpus, limit: target.inputLimit)
    for input in corpus {
        run(input)
        for _ in 0..<mutationCount { run(mutations.mutation(of: input)) }
    }
    return 0
}

private func run(_ input: [UInt8]) {
    guard cfuzz_run(input, input.count, runInput) == 0 else {
        fail("cannot run an input: \(String(cString: strerror(errno)))")
    }
}
