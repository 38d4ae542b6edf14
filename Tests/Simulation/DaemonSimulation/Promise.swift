// SPDX-License-Identifier: Apache-2.0

/// What the daemon promises, checked after every step of a simulation.
package enum Promise: String, Sendable, CaseIterable {
    case deliveredOnce = "nothing is delivered twice"
    case gate = "nothing is delivered while the gate is closed"
    case labels = "every reply carries the provenance, grade and epoch of its bits"
    case accounts = "the accounts of the clients add up to what left the rings"
    case progress = "nobody waits for what is there"
    case leaks = "what is closed is let go"
    case protocolForm = "every reply is a valid one to a request"
}

/// A promise that was broken.
package struct BrokenPromise: Error, Sendable, Equatable, CustomStringConvertible {
    package let promise: Promise
    package let detail: String
    /// The number of steps that had been taken.
    package let step: Int

    package var description: String { "step \(step): broken: \(promise.rawValue): \(detail)" }
}
