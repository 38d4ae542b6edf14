// SPDX-License-Identifier: Apache-2.0

import BoardInterface

/// The faults of an array with when they hold, in shots of the array since it was made.
struct FaultSchedule {
    private struct Entry {
        let order: FaultOrder
        let shots: Range<UInt64>
    }

    private var entries: [Entry] = []

    /// The number of faults that hold or are still to come.
    var count: Int { entries.count }

    mutating func add(_ order: FaultOrder, now: UInt64) {
        let begin = Self.sum(now, order.afterShots)
        let end = order.forShots.map { Self.sum(begin, $0) } ?? .max
        entries.append(Entry(order: order, shots: begin..<max(begin, end)))
    }

    mutating func clear() { entries.removeAll() }

    func hasBegun(at shot: UInt64, where select: (Fault) -> Bool) -> Bool {
        entries.contains { $0.shots.lowerBound <= shot && select($0.order.fault) }
    }

    /// Takes out the orders of which `select` is true and which have begun.
    mutating func takeBegun(
        at shot: UInt64, where select: (Fault) -> Bool
    ) -> [FaultOrder] {
        let isBegun = { (entry: Entry) in
            entry.shots.lowerBound <= shot && select(entry.order.fault)
        }
        let begun = entries.filter(isBegun)
        entries.removeAll(where: isBegun)
        return begun.map(\.order)
    }

    /// Removes the faults that are over.
    mutating func forget(before shot: UInt64) {
        entries.removeAll { $0.shots.upperBound <= shot }
    }

    func isActive(_ fault: Fault, at shot: UInt64) -> Bool {
        entries.contains { $0.order.fault == fault && $0.shots.contains(shot) }
    }

    /// The lanes that a fault hits.
    func lanes(of fault: Fault, at shot: UInt64) -> Set<Int> {
        entries.reduce(into: []) { lanes, entry in
            if entry.order.fault == fault && entry.shots.contains(shot) {
                lanes.formUnion(entry.order.lanes)
            }
        }
    }

    /// The next shot after this one at which a fault begins or ends.
    func change(after shot: UInt64) -> UInt64 {
        entries.flatMap { [$0.shots.lowerBound, $0.shots.upperBound] }.filter { $0 > shot }.min()
            ?? .max
    }

    private static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let (sum, overflow) = first.addingReportingOverflow(second)
        return overflow ? .max : sum
    }
}
