// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Something that is run again and again and works off `bytes` each time.
struct Task {
    let name: String
    let bytes: Int
    let body: () -> Void

    /// GB per second of this thread on a processor, over at least `seconds` of them: what other programs take does not
    /// count.
    func rate(over seconds: Double) -> Double {
        let begin = Self.processorSeconds()
        var runs = 0
        var elapsed = 0.0
        repeat {
            // The clock takes a tenth of a microsecond.
            for _ in 0..<Self.runsPerLook { body() }
            runs += Self.runsPerLook
            elapsed = Self.processorSeconds() - begin
        } while elapsed < seconds
        return Double(runs * bytes) / elapsed / 1e9
    }

    private static let runsPerLook = 8

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Two tasks measured in turn, so that their ratio holds on a machine whose speed changes.
struct Pair {
    let measured: Task
    let against: Task
    /// The goal for the ratio, or for both rates, with their unit; empty when there is none.
    let goal: String

    private static let rounds = 5
    private static let duration = 0.2

    func run() -> String {
        let rates = (0..<Self.rounds).map { _ in
            (measured.rate(over: Self.duration), against.rate(over: Self.duration))
        }
        let ratio = Self.median(rates.map { $0.0 / $0.1 })
        return Self.row(
            measured.name, Self.rounded(Self.median(rates.map(\.0))), against.name,
            Self.rounded(Self.median(rates.map(\.1))), Self.rounded(ratio), goal)
    }

    static var header: String { row("kernel", "GB/s", "against", "GB/s", "ratio", "goal") }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func rounded(_ value: Double) -> String {
        value >= 100 ? "\(Int(value.rounded()))" : "\((value * 1000).rounded() / 1000)"
    }

    private static func row(
        _ name: String, _ rate: String, _ other: String, _ otherRate: String, _ ratio: String,
        _ goal: String
    ) -> String {
        let widths = [30, 9, 34, 9, 9, 8]
        return zip([name, rate, other, otherRate, ratio, goal], widths).map { text, width in
            text + String(repeating: " ", count: max(width - text.count, 1))
        }.joined()
    }
}
