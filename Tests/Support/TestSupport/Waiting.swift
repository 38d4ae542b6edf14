// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform
import Synchronization

/// How long tests wait for something that has to happen, in milliseconds: far longer than it takes with a sanitizer
/// on a busy machine, so that reaching it means a failure.
package let patience: Int32 = 100_000

/// Whether `condition` becomes true, now or before the patience of the tests ends.
package func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = monotonicNanoseconds() + UInt64(patience) * 1_000_000
    while try !condition() {
        if monotonicNanoseconds() > deadline { return false }
        usleep(500)
    }
    return true
}

/// Whether `body`, run on a thread of its own, comes to its end.
///
/// A body that does not is left behind with its thread.
package func finishes(_ body: @escaping @Sendable () -> Void) throws(SystemError) -> Bool {
    let isDone = Flag()
    let worker = try WorkerThread(name: "test-body") {
        body()
        isDone.raise()
    }
    guard eventually({ isDone.isRaised }) else {
        _ = Unmanaged.passRetained(worker)
        return false
    }
    worker.join()
    return true
}

/// Lets time pass in which something that must not happen could happen.
package func linger() { usleep(30_000) }

/// A flag between threads.
package final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    package init() {}

    package var isRaised: Bool { value.load(ordering: .acquiring) }

    package func raise() { value.store(true, ordering: .releasing) }
}

/// Lets this process have as many descriptors as it may.
package func raiseDescriptorLimit() {
    let resource = Int32(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
}

/// Runs all of `bodies` at once, each on a thread of its own, and waits for their ends.
package func concurrently(_ bodies: [@Sendable () -> Void]) throws(SystemError) {
    var threads: [WorkerThread] = []
    defer { for thread in threads { thread.join() } }
    for body in bodies { threads.append(try WorkerThread(name: "test-body", body)) }
}

/// A number between threads.
package final class Tally: Sendable {
    private let number: Atomic<Int>

    package init(_ number: Int = 0) { self.number = Atomic(number) }

    package var value: Int {
        get { number.load(ordering: .sequentiallyConsistent) }
        set { number.store(newValue, ordering: .sequentiallyConsistent) }
    }

    package func add(_ amount: Int) { number.add(amount, ordering: .sequentiallyConsistent) }
}
