// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import BoardProtocol

/// Values below this are small enough to be volts, nanoseconds or millitesla.
private let small = 100.0
/// The part of the board's value below which a value may be in another unit.
private let unlikely = 0.02

/// Whether a person may have meant a value in a unit a thousand times larger.
private func isUnlikely(_ value: Double, beside present: Double) -> Bool {
    value != 0 && abs(value) < small && abs(value) < unlikely * abs(present)
}

extension PartialOperatingPoint {
    /// A warning for each value that a person may have meant in a unit a thousand times larger.
    func unlikelyUnits(after previous: OperatingPoint) -> [String] {
        let values = [
            ("--amplitude", amplitudeMillivolts, previous.amplitudeMillivolts, "mV"),
            ("--width", pulseWidthPicoseconds, previous.pulseWidthPicoseconds, "ps"),
            ("--bias-field", biasFieldMicrotesla, previous.biasFieldMicrotesla, "µT"),
        ]
        return values.compactMap { option, value, earlier, unit in
            guard let value, isUnlikely(value, beside: earlier) else { return nil }
            return "\(option) is in \(unit): it was \(exact(earlier)) \(unit) and is now \(exact(value)) \(unit);"
                + " did you mean \(exact(1000 * value))?"
        }
    }
}

extension Calibrate {
    /// A warning for each range that a person may have meant in a unit a thousand times larger.
    func unlikelyUnits(at present: OperatingPoint) -> [String] {
        let ranges = [
            ("--amplitude", amplitudes, present.amplitudeMillivolts, "mV"),
            ("--width", widths, present.pulseWidthPicoseconds, "ps"),
        ]
        return ranges.compactMap { option, range, value, unit in
            guard let range else { return nil }
            let ends = [range.from, range.to].filter { $0 != 0 }
            guard let largest = ends.max(by: { abs($0) < abs($1) }), isUnlikely(largest, beside: value)
            else { return nil }
            return "\(option) is in \(unit): the board is at \(exact(value)) \(unit), and measured is up to"
                + " \(exact(largest)) \(unit); did you mean \(range.text(times: 1000))?"
        }
    }
}

extension SweepRange {
    /// As it is written on the command line.
    fileprivate func text(times factor: Double) -> String {
        count == 1 ? exact(factor * from) : "\(exact(factor * from)):\(exact(factor * to)):\(count)"
    }
}
