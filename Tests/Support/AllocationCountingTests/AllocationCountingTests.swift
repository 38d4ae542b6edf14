// SPDX-License-Identifier: Apache-2.0

import AllocationCounting
import Glibc
import LinuxPlatform
import Synchronization
import TestSupport
import Testing

/// The counter on which the tests of the hot path rely: "Ring", "Server", "Client" and "Pipeline: no
/// allocation".
@Suite(
    "Allocations of one thread are counted, and the first is shown",
    .countsAllocations)
struct AllocationCountingTests {
    @Test("Nothing is counted where nothing is allocated")
    func none() {
        var sum = 0
        let found = allocations { for number in 0..<1_000 { sum &+= number } }
        #expect(found.count == 0 && found.first.isEmpty)
        #expect(sum == 499_500)
    }

    @Test(
        "Every way of the C library is counted",
        arguments: ["malloc", "calloc", "realloc", "aligned"])
    func ways(name: String) {
        let found = allocationsOfSecondRun {
            let memory =
                switch name {
                case "malloc": malloc(100)
                case "calloc": calloc(10, 10)
                case "realloc": realloc(nil, 100)
                default: aligned_alloc(64, 128)
                }
            keep(memory)
            free(memory)
        }
        #expect(found.count == 1)
    }

    @Test("Memory that is aligned for a Swift buffer is counted, and is aligned")
    func aligned() {
        let found = allocationsOfSecondRun {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 256)
            keep(buffer.baseAddress)
            precondition(UInt(bitPattern: buffer.baseAddress) % 256 == 0)
            buffer.deallocate()
        }
        #expect(found.count == 1)
    }

    @Test("Arrays, strings, closures and objects of Swift are counted")
    func swift() {
        let arrays = allocations { keep([UInt8](repeating: 1, count: 100)) }
        let strings = allocations { keep("a string of more than fifteen bytes, \(arrays.count)") }
        let objects = allocations { keep(Flag()) }
        #expect(arrays.count > 0 && strings.count > 0 && objects.count > 0)
    }

    @Test("The message shows where the first one was made")
    func message() {
        let found = allocations { keep([UInt8](repeating: 1, count: 100)) }
        #expect(found.first.count > 3, "\(found)")
        #expect(found.description.hasPrefix("\(found.count) allocations, the first one in\n"))
    }

    @Test("What a thread leaves out is not counted, what follows is")
    func leavingOut() {
        let found = allocationsOfSecondRun {
            AllocationWatch.leavingOut { keep([UInt8](repeating: 1, count: 100)) }
            let memory = malloc(100)
            keep(memory)
            free(memory)
        }
        #expect(found.count == 1)
    }

    @Test("What other threads allocate is not counted, unless one of them is watched")
    func threads() throws {
        let (isWatched, thread, count) = (Flag(), Tally(), Tally())
        let worker = try WorkerThread(name: "test-worker") {
            thread.value = Int(AllocationWatch.thisThread)
            _ = eventually { isWatched.isRaised }
            for number in 0..<10 { keep([UInt8](repeating: 1, count: 100 + number)) }
            count.value = 1
        }
        #expect(eventually { thread.value != 0 })
        let there = AllocationWatch(thread: Int32(thread.value))
        let here = AllocationWatch()
        isWatched.raise()
        while count.value == 0 { usleep(500) }
        let counts = (here.count, there.count)
        worker.join()
        #expect(counts.0 == 0)
        #expect(counts.1 >= 10)
    }
}

/// Uses a value in a way that the compiler cannot see: it neither leaves the value out nor puts it on the stack.
@inline(never) @_optimize(none)
private func keep<Value>(_ value: Value) {
    withExtendedLifetime(value) {}
}

/// The first run of code has Swift make metadata of its generic types, once for the process.
private func allocationsOfSecondRun(_ body: () -> Void) -> Allocations {
    body()
    return allocations(in: body)
}
