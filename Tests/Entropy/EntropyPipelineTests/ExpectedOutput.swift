// SPDX-License-Identifier: Apache-2.0

import SystemCrypto

/// The bits of some lanes of a window, worked out one at a time: shot after shot, lowest lane first,
/// lowest bit of a byte first.
func bits(of window: [UInt64], lanes: [Int], words: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var count = 0
    for shot in 0..<window.count / words {
        for lane in lanes {
            let bit = UInt8(window[shot * words + lane / 64] >> UInt64(lane % 64) & 1)
            if count.isMultiple(of: 8) { bytes.append(0) }
            bytes[count / 8] |= bit << UInt8(count % 8)
            count += 1
        }
    }
    return bytes
}

/// What a pipeline has to put out for the used bits of its windows, given which of them went to raw.
struct ExpectedOutput {
    /// The windows that are in the raw output, by their number.
    private(set) var rawWindows: [Int] = []
    /// Whether the raw output is made of whole windows, in order, and of nothing else.
    let rawIsWhole: Bool
    /// The blocks of full that the other windows make.
    let full: [UInt8]

    /// - Parameters:
    ///   - windows: the used bits of each window.
    ///   - inputBytes: how many bytes make a block.
    init(windows: [[UInt8]], raw: [UInt8], inputBytes: Int) {
        var rest = raw[...]
        var input: [UInt8] = []
        for (number, window) in windows.enumerated() {
            if !rest.isEmpty, rest.starts(with: window) {
                rest = rest.dropFirst(window.count)
                rawWindows.append(number)
            } else {
                input += window
            }
        }
        rawIsWhole = rest.isEmpty
        full = stride(from: 0, through: input.count - inputBytes, by: inputBytes).flatMap {
            LibrarySHA256.digest(of: input[$0..<$0 + inputBytes])
        }
    }
}

extension [Int] {
    /// Every lane of a board of 64.
    static var all: [Int] { all(of: 64) }

    /// Every lane of a board.
    static func all(of lanes: Int) -> [Int] { Array(0..<lanes) }
}
