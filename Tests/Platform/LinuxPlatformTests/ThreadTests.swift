// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Worker thread: signals, name, joining")
struct WorkerThreadTests {
    @Test("runs its body once, and joining waits for the end of it")
    func runs() throws {
        let runs = Atomic<Int>(0)
        let count = UncheckedReference(runs: { runs.add(1, ordering: .relaxed) })
        let thread = try WorkerThread(name: "test") {
            linger()
            count.runs()
        }
        thread.join()
        #expect(runs.load(ordering: .relaxed) == 1)
    }

    @Test("blocks every signal that can be blocked, and leaves its maker's mask as it was")
    func blocksSignals() throws {
        let before = blockedSignals()
        let blocked = Mutex(Set<Int32>())
        let result = UncheckedReference(runs: { blocked.withLock { $0 = blockedSignals() } })
        try WorkerThread(name: "test") { result.runs() }.join()
        let all: Set = [SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1]
        #expect(blocked.withLock { $0 }.isSuperset(of: all))
        #expect(blockedSignals() == before)
    }

    @Test("has the name it was given, of up to 15 bytes", arguments: ["a", "metrng-pipeline"])
    func name(_ name: String) throws {
        let seen = Mutex("")
        let result = UncheckedReference(runs: {
            let lines = try? textLines(ofFile: "/proc/thread-self/comm")
            seen.withLock { $0 = String(lines?.first ?? "") }
        })
        try WorkerThread(name: name) { result.runs() }.join()
        #expect(seen.withLock { $0 } == name)
    }

    @Test("ends the program when its owner forgets to join it")
    func forgotten() async {
        await #expect(processExitsWith: .failure) {
            _ = try WorkerThread(name: "test") {}
        }
    }

    @Test("releases what its body held")
    func releases() throws {
        weak var held: Flag?
        do {
            let flag = Flag()
            held = flag
            try WorkerThread(name: "test") { flag.raise() }.join()
            #expect(flag.isRaised)
        }
        #expect(held == nil)
    }
}

/// Carries something into a thread that its maker joins.
private struct UncheckedReference: @unchecked Sendable {
    let runs: () -> Void
}

private func blockedSignals() -> Set<Int32> {
    var mask = sigset_t()
    pthread_sigmask(SIG_SETMASK, nil, &mask)
    return Set((1...31).filter { sigismember(&mask, $0) == 1 })
}

@Suite(
    "Wake-up: signalled, cleared, waited for, between threads")
struct WakeupTests {
    @Test("is down at first, and a wait with a limit ends")
    func isDown() throws {
        #expect(try !Wakeup().wait(milliseconds: 0))
        #expect(try !Wakeup().wait(milliseconds: 5))
    }

    @Test("stays up until one wait has seen it, however often it was raised")
    func oneWait() throws {
        let wakeup = try Wakeup()
        for _ in 0..<1000 { wakeup.signal() }
        #expect(wakeup.wait(milliseconds: 0))
        #expect(!wakeup.wait(milliseconds: 0))
    }

    @Test("is lowered by clear")
    func clears() throws {
        let wakeup = try Wakeup()
        wakeup.clear()
        wakeup.signal()
        wakeup.clear()
        #expect(!wakeup.wait(milliseconds: 0))
    }

    @Test("wakes a thread that waits")
    func wakes() throws {
        let (there, back) = (try Wakeup(), try Wakeup())
        let thread = try WorkerThread(name: "test") {
            for _ in 0..<1000 {
                there.wait()
                back.signal()
            }
        }
        defer { thread.join() }
        for _ in 0..<1000 {
            there.signal()
            #expect(back.wait(milliseconds: patience))
        }
    }

    @Test("does not take a signal that interrupts a wait without a limit for its own")
    func interrupted() async {
        await #expect(processExitsWith: .success) {
            signal(SIGUSR1) { _ in }
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGUSR1)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            let wakeup = try Wakeup()
            let waiter = pthread_self()
            let thread = try WorkerThread(name: "test") {
                for _ in 0..<20 {
                    usleep(2000)
                    pthread_kill(waiter, SIGUSR1)
                }
                wakeup.signal()
            }
            #expect(wakeup.wait())
            thread.join()
        }
    }
}

@Suite(
    "Poll: which descriptors are ready, what is watched for, hang-ups")
struct EventPollTests {
    @Test("is empty when the time is up")
    func timeOut() throws {
        #expect(try EventPoll().wait(milliseconds: 1).isEmpty)
    }

    @Test("reports what is ready, with the token, until it is no longer ready")
    func levels() throws {
        let poll = try EventPoll()
        let (a, b) = (try Wakeup(), try Wakeup())
        try poll.add(a.descriptor, .readable, token: 7)
        try poll.add(b.descriptor, .readable, token: UInt64.max)
        #expect(poll.wait(milliseconds: 0).isEmpty)
        b.signal()
        for _ in 0..<2 {
            let events = poll.wait(milliseconds: 1000)
            #expect(events.map(\.token) == [UInt64.max])
            #expect(events.allSatisfy { $0.isReadable && !$0.isWritable && !$0.isHungUp })
        }
        a.signal()
        #expect(Set(poll.wait(milliseconds: 0).map(\.token)) == [7, UInt64.max])
        a.clear()
        b.clear()
        #expect(poll.wait(milliseconds: 0).isEmpty)
    }

    @Test("watches for what it was last told to")
    func changes() throws {
        let poll = try EventPoll()
        let (near, far) = try socketPair()
        try poll.add(near, .readable, token: 1)
        #expect(write(far.raw, "x", 1) == 1)
        #expect(poll.wait(milliseconds: 0).map(\.isReadable) == [true])
        poll.change(near, .writable, token: 2)
        #expect(poll.wait(milliseconds: 0).map { $0.token == 2 && $0.isWritable } == [true])
        poll.change(near, [], token: 3)
        #expect(poll.wait(milliseconds: 0).isEmpty)
        poll.change(near, [.readable, .writable], token: 4)
        #expect(poll.wait(milliseconds: 0).map { $0.isReadable && $0.isWritable } == [true])
        poll.remove(near)
        #expect(poll.wait(milliseconds: 0).isEmpty)
    }

    @Test("tells a peer that will write no more from one that is gone")
    func hangUp() throws {
        let poll = try EventPoll()
        let (near, far) = try socketPair()
        try poll.add(near, .readable, token: 1)
        shutdown(far.raw, Int32(SHUT_WR))
        #expect(poll.wait(milliseconds: 0).map { $0.isReadable && !$0.isHungUp } == [true])
        poll.change(near, [], token: 1)
        #expect(poll.wait(milliseconds: 0).isEmpty)
        shutdown(far.raw, Int32(SHUT_RDWR))
        shutdown(near.raw, Int32(SHUT_WR))
        #expect(poll.wait(milliseconds: 0).map(\.isHungUp) == [true])
    }

    @Test("refuses a descriptor that cannot be watched")
    func refuses() throws {
        let poll = try EventPoll()
        let file = Descriptor(owning: open("/proc/self/stat", O_RDONLY))
        #expect(throws: SystemError("watch a descriptor", code: EPERM)) {
            try poll.add(file, .readable, token: 1)
        }
    }
}

private func socketPair() throws -> (Descriptor, Descriptor) {
    var ends: [Int32] = [-1, -1]
    try system("make a pair") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
    return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
}
