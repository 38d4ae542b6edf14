// SPDX-License-Identifier: Apache-2.0

import EntropyTerms

/// A setting that the provenance of the boards forbids.
struct ProvenanceConflict {
    /// The keys that lead to the setting.
    let key: String
    let fault: ConfigurationFault
}

extension DaemonSettings {
    /// The settings that the provenance of the boards forbids.
    var provenanceConflicts: [ProvenanceConflict] {
        [
            kernelFeedFault.map { ProvenanceConflict(key: "kernel.feed", fault: $0) },
            egdFault.map { ProvenanceConflict(key: "egd.serve", fault: $0) },
        ].compactMap { $0 }
    }

    /// The reason that these boards cannot feed the kernel; nil if they can, or feeding is off.
    ///
    /// Every board has to be one of hardware: which board a byte comes from is decided for each byte, and no
    /// mistake there may have the kernel credited with bits that are not random.
    private var kernelFeedFault: ConfigurationFault? {
        guard kernel.feed, let board = boards.first(where: { $0.provenance != .hardware })
        else { return nil }
        return .value(
            found: "true with the board \(board.name), which supplies \(board.provenance.bitsDescription)",
            expected: "false, or only boards of kind usb that are not simulated: the kernel is"
                + " credited only with hardware bits")
    }

    /// The reason that these boards cannot be served by EGD; nil if they can, or EGD is off.
    private var egdFault: ConfigurationFault? {
        guard egd.serve, !egd.allowSimulated, let board = boards.first(where: { !$0.provenance.isGenuine })
        else { return nil }
        return .value(
            found: "true with the board \(board.name), which supplies \(board.provenance.bitsDescription)",
            expected: "false, or egd.allowSimulated: true: EGD cannot tell clients that bits are not random")
    }
}

extension Provenance {
    /// What bits of this provenance are called in a message.
    fileprivate var bitsDescription: String {
        switch self {
        case .hardware: "hardware bits"
        case .simulated: "simulated bits"
        case .replay: "replayed bits"
        case .host: "bits of the host, which can be the kernel's own"
        }
    }
}
