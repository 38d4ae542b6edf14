// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
/// Faults of a simulated board at given shots, as a text with a line for each:
///
///     at SHOT FAULT [lanes LANES] [for SHOTS]
///
/// as in `at 2000000 stuckAt0 lanes 3,7-9 for 100000`. A `;` does the same as a new line. Empty lines and
/// what follows a `#` mean nothing.
package struct FaultScript: Sendable, Equatable {
    package var orders: [FaultOrder]

    /// The most orders that hold or wait at a time: each costs time whenever the array changes.
    package static let orderLimit = 256

    package static let example = "at 2000000 stuckAt0 lanes 3,7-9 for 100000"

    package init(_ orders: [FaultOrder] = []) { self.orders = orders }

    /// The reason for which a text is no script.
    package struct Defect: Error, Sendable, Equatable, CustomStringConvertible {
        /// Counted from 1; a `;` begins a line as well.
        package let line: Int
        package let reason: String

        package var description: String { "line \(line): \(reason)" }
    }

    package init(parsing text: some StringProtocol) throws(Defect) {
        orders = []
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline || $0 == ";" }
        for (index, line) in lines.enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            if words.isEmpty { continue }
            guard orders.count < Self.orderLimit else {
                throw Defect(line: index + 1, reason: "more than \(Self.orderLimit) faults")
            }
            do {
                orders.append(try Self.order(words[...]))
            } catch {
                throw Defect(line: index + 1, reason: error.reason)
            }
        }
    }

    /// The script as `init(parsing:)` reads it.
    package var text: String {
        orders.map { order in
            var words = ["at", "\(order.afterShots)", order.fault.text]
            if !order.lanes.isEmpty { words += ["lanes", LaneList.text(order.lanes)] }
            if let shots = order.forShots { words += ["for", "\(shots)"] }
            return words.joined(separator: " ") + "\n"
        }.joined()
    }

    private struct Reason: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private static func order<Word: StringProtocol>(
        _ words: ArraySlice<Word>
    ) throws(Reason) -> FaultOrder {
        var rest = words
        guard rest.popFirst() == "at" else { throw Reason("expected \"at SHOT FAULT\"") }
        guard let shot = rest.popFirst().flatMap({ UInt64($0) }) else {
            throw Reason("expected a shot number after \"at\"")
        }
        guard let name = rest.popFirst() else { throw Reason("expected a fault after the shot") }
        guard let fault = Fault(name) else {
            throw Reason("there is no fault \(name): \(Fault.names.joined(separator: ", "))")
        }
        var order = FaultOrder(fault, afterShots: shot)
        while let word = rest.popFirst() {
            let value = rest.popFirst()
            switch word {
            case "lanes":
                guard let lanes = value.flatMap({ LaneList.parse($0) }) else {
                    throw Reason("expected lanes such as 3,7-9 after \"lanes\"")
                }
                order.lanes = lanes
            case "for":
                guard let shots = value.flatMap({ UInt64($0) }), shots > 0 else {
                    throw Reason("expected a number of shots after \"for\"")
                }
                order.forShots = shots
            default: throw Reason("expected \"lanes\" or \"for\", found \(word)")
            }
        }
        return order
    }
}

/// Lanes as people write them: `3,7-9`.
package enum LaneList {
    /// - Returns: the lanes in rising order, each once; nil when the text is something else, or names a
    ///   lane that no board can have.
    package static func parse(_ text: some StringProtocol) -> [Int]? {
        // A flag for each lane: a long text that names all of them again and again stays cheap.
        var isNamed = [Bool](repeating: false, count: BoardDescription.laneLimits.upperBound)
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0],
                let last = ends[ends.count - 1],
                0 <= first, first <= last, last < isNamed.count
            else { return nil }
            for lane in first...last { isNamed[lane] = true }
        }
        return isNamed.indices.filter { isNamed[$0] }
    }

    package static func text(_ lanes: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for lane in lanes.sorted() {
            if let last = ranges.last, lane <= last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...max(lane, last.upperBound)
            } else {
                ranges.append(lane...lane)
            }
        }
        return ranges.map {
            $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
        }
        .joined(separator: ",")
    }
}
