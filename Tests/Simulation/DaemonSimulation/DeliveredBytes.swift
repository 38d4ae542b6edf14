// SPDX-License-Identifier: Apache-2.0

/// Every stretch of sixteen bytes that clients have received, at every alignment. Of the grade raw, it has shots of
/// lanes that were stuck for too short a time to be found, or moved together; but half of its bits are random at least,
/// and do not repeat by chance (2⁻⁶⁴ for each pair: below 10⁻⁷ for a simulation of a megabyte), so that a stretch that
/// comes again was delivered twice.
struct DeliveredBytes {
    private var stretches: Set<UInt128> = []

    /// The last bytes of an answer that is being received.
    struct Answer {
        fileprivate var last: UInt128 = 0
        fileprivate var count = 0
    }

    init() { stretches.reserveCapacity(1 << 18) }

    /// Adds bytes of an answer.
    ///
    /// - Returns: whether all of its stretches are new.
    mutating func add(_ bytes: some Sequence<UInt8>, to answer: inout Answer) -> Bool {
        var areNew = true
        for byte in bytes {
            answer.last = answer.last << 8 | UInt128(byte)
            answer.count += 1
            if answer.count >= 16, !stretches.insert(answer.last).inserted { areNew = false }
        }
        return areNew
    }
}
