// SPDX-License-Identifier: Apache-2.0

import EntropyTerms

extension DaemonSettings {
    /// The keys that lead to `kernel.feed`.
    static let kernelFeedKey = "kernel.feed"

    /// The reason that these boards cannot feed the kernel; nil if they can, or feeding is off.
    ///
    /// Every board has to be one of hardware: which board a byte comes from is decided for each byte, and no
    /// mistake there may have the kernel credited with bits that are not random.
    var kernelFeedFault: ConfigurationFault? {
        guard kernel.feed, let board = boards.first(where: { $0.provenance != .hardware })
        else { return nil }
        return .value(
            found: "true with the board \(board.name), which supplies \(board.provenance.bitsDescription)",
            expected: "false, or only boards of kind usb that are not simulated: the kernel is"
                + " credited only with hardware bits")
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
