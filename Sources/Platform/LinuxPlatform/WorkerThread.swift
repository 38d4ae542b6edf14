// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A plain thread with a name and with every signal blocked, so that signals reach the main thread
/// only, and with its stack kept out of core dumps. It has to be joined or detached: an owner that forgets is a
/// programming error.
package final class WorkerThread: @unchecked Sendable {
    // Written by init and join only, both on the owner's thread.
    private var handle: pthread_t?

    /// Starts a thread that runs `body` once.
    ///
    /// - Parameter name: at most 15 bytes (the kernel's limit).
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        handle = try startThread(ThreadStart(name: name, body: body))
    }

    /// Waits until the body has returned. Call it once.
    package func join() {
        guard let thread = handle else { preconditionFailure("a thread is joined or detached once") }
        pthread_join(thread, nil)
        handle = nil
    }

    /// Lets the thread end by itself, whenever that is, without anybody who waits for it. Call it once, instead of
    /// `join`.
    package func detach() {
        guard let thread = handle else { preconditionFailure("a thread is joined or detached once") }
        pthread_detach(thread)
        handle = nil
    }

    deinit { precondition(handle == nil, "a thread has to be joined or detached") }
}

private final class ThreadStart {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func startThread(_ start: ThreadStart) throws(SystemError) -> pthread_t {
    precondition(start.name.utf8.count <= 15)
    let argument = Unmanaged.passRetained(start)
    var all = sigset_t()
    var previous = sigset_t()
    sigfillset(&all)
    // A new thread inherits the mask: set before it exists, there is no moment without it.
    pthread_sigmask(SIG_SETMASK, &all, &previous)
    var thread = pthread_t()
    let result = pthread_create(&thread, nil, runThread, argument.toOpaque())
    pthread_sigmask(SIG_SETMASK, &previous, nil)
    guard result == 0 else {
        argument.release()
        throw SystemError("start a thread", code: result)
    }
    return thread
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    clinux_name_thread(start.name)
    clinux_keep_stack_from_dumps()
    start.body()
    return nil
}
