// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyTerms
import Glibc

/// A number with a fixed number of decimal places.
package func decimal(_ value: Double, places: Int) -> String {
    let factor = pow(10, Double(places))
    guard let scaled = Int(exactly: (abs(value) * factor).rounded()) else { return "\(value)" }
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(scaled)" }
    let digits = String(scaled)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return "\(sign)\(padded.dropLast(places)).\(padded.suffix(places))"
}

/// The sum, clamped: any number that a peer sends must be displayable.
func sum(_ left: Int, _ right: Int) -> Int {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? (left < 0 ? .min : .max) : sum
}

/// A whole number with commas between thousands.
package func grouped(_ value: Int) -> String {
    var text = ""
    for (index, digit) in String(value.magnitude).reversed().enumerated() {
        if index > 0, index.isMultiple(of: 3) { text.append(",") }
        text.append(digit)
    }
    return (value < 0 ? "-" : "") + String(text.reversed())
}

/// A quantity in its unit with an SI prefix and three digits: `48.2 MB/s`.
package func quantity(_ value: Double, _ unit: String) -> String {
    let prefixes = ["n", "µ", "m", "", "k", "M", "G", "T", "P", "E"]
    guard value != 0 else { return "0 \(unit)" }
    var (scaled, index) = (value, 3)
    // From 999.5 on, three digits would be four.
    while abs(scaled) >= 999.5, index < prefixes.count - 1 {
        (scaled, index) = (scaled / 1_000, index + 1)
    }
    while abs(scaled) < 0.9995, index > 0 { (scaled, index) = (scaled * 1_000, index - 1) }
    let isCount = index == 3 && scaled == scaled.rounded()
    let places = isCount || abs(scaled) >= 99.95 ? 0 : abs(scaled) >= 9.995 ? 1 : 2
    return "\(decimal(scaled, places: places)) \(prefixes[index])\(unit)"
}

/// A size of memory: `4 MiB`.
package func memorySize(_ bytes: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB"]
    var (value, index) = (Double(bytes), 0)
    while value >= 1_024, index < units.count - 1 { (value, index) = (value / 1_024, index + 1) }
    return "\(decimal(value, places: value == value.rounded() ? 0 : 1)) \(units[index])"
}

/// How long something took, to two units: `2 h 5 min`.
package func duration(_ seconds: Double) -> String {
    let whole = Int(clamping: max(0, seconds))
    return switch whole {
    case ..<60: "\(whole) s"
    case ..<3_600: "\(whole / 60) min \(whole % 60) s"
    case ..<86_400: "\(whole / 3_600) h \(whole % 3_600 / 60) min"
    default: "\(whole / 86_400) d \(whole % 86_400 / 3_600) h"
    }
}

/// A moment: `2026-03-01 12:00:00 UTC`.
///
/// - Parameter seconds: since the Unix epoch.
package func moment(_ seconds: Double) -> String {
    // Years of four digits; everything else is no time that a daemon runs at.
    var time = time_t(clamping: min(max(seconds, 0), 253_402_300_799))
    var parts = tm()
    gmtime_r(&time, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(1_900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        + " \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
}

extension Int {
    /// The whole part, or the nearest number there is.
    init(clamping value: Double) {
        self = Int(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
    }
}

/// Text from outside, made safe for a terminal: a board names itself, and a hostile one could send control sequences.
package func printable(_ text: String) -> String { text.printable }

/// A number to three decimal places, without those that are zero.
func exact(_ value: Double) -> String {
    let text = decimal(value, places: 3)
    guard text.contains("."), !text.contains("e") else { return text }
    let digits = text.reversed().drop { $0 == "0" }
    return String(digits.drop { $0 == "." }.reversed())
}

/// Amplitude, width and field in their units.
func pulses(_ point: OperatingPoint) -> String {
    let field = point.biasFieldMicrotesla
    let fieldText = field == field.rounded() ? grouped(Int(clamping: field)) : exact(field)
    return "\(exact(point.amplitudeMillivolts)) mV, \(exact(point.pulseWidthPicoseconds)) ps, \(fieldText) µT"
}
