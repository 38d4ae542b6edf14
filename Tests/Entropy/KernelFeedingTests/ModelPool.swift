// SPDX-License-Identifier: Apache-2.0

import KernelFeeding
import LinuxPlatform
import Synchronization

/// A pool in place of the kernel's: keeps what it is given, and refuses when it is told to.
final class ModelPool: EntropyPool {
    struct Addition: Equatable, Sendable {
        let bytes: [UInt8]
        let creditedBits: Int
    }

    private struct State: Sendable {
        var additions: [Addition] = []
        var checks = 0
        var refusal: SystemError?
    }

    private let state = Mutex(State())

    var additions: [Addition] { state.withLock { $0.additions } }
    var checks: Int { state.withLock { $0.checks } }

    /// Lets all calls fail from now on, or none.
    func refuse(_ error: SystemError?) { state.withLock { $0.refusal = error } }

    func check() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            state.checks += 1
            if let refusal = state.refusal { throw refusal }
        }
    }

    func add(
        _ contribution: KernelContribution, creditedBits: Int
    ) throws(SystemError) {
        let addition = Addition(bytes: Array(contribution.bytes), creditedBits: creditedBits)
        try state.withLock { state throws(SystemError) in
            if let refusal = state.refusal { throw refusal }
            state.additions.append(addition)
        }
    }
}
