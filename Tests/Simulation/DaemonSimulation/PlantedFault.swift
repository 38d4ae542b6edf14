// SPDX-License-Identifier: Apache-2.0

/// A fault that is put into a simulation on purpose, to show that it is found.
package enum PlantedFault: String, Sendable, CaseIterable {
    /// Bits that are in a ring are published again.
    case deliversTwice = "delivers-twice"
    /// Bits are published through an open gate although the pipeline is not serving.
    case opensGate = "opens-gate"
    /// A wake-up of the server is lost.
    case losesWakeup = "loses-wakeup"
    /// A second descriptor of a connection is kept.
    case leaksConnection = "leaks-connection"
    /// A source says that it is something else than its board.
    case wrongProvenance = "wrong-provenance"

    /// The promise that it breaks.
    package var promise: Promise {
        switch self {
        case .deliversTwice: .deliveredOnce
        case .opensGate: .gate
        case .losesWakeup: .progress
        case .leaksConnection: .leaks
        case .wrongProvenance: .labels
        }
    }
}
