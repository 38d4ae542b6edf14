// SPDX-License-Identifier: Apache-2.0

/// Every stretch of eight bytes that clients have received, at every alignment: random bits do not repeat
/// one by chance (2⁻⁶⁴ for each pair: below 10⁻⁸ for a simulation of half a megabyte), so that a stretch
/// that comes again was delivered twice.
struct DeliveredBytes {
    private var stretches: Set<UInt64> = []

    /// The last bytes of an answer that is being received.
    struct Answer {
        fileprivate var last: UInt64 = 0
        fileprivate var count = 0
    }

    init() { stretches.reserveCapacity(1 << 18) }

    /// Adds bytes of an answer.
    ///
    /// - Returns: whether all of its stretches are new.
    mutating func add(_ bytes: some Sequence<UInt8>, to answer: inout Answer) -> Bool {
        var areNew = true
        for byte in bytes {
            answer.last = answer.last << 8 | UInt64(byte)
            answer.count += 1
            if answer.count >= 8, !stretches.insert(answer.last).inserted { areNew = false }
        }
        return areNew
    }
}
