// SPDX-License-Identifier: Apache-2.0

package import ControlInterface

/// What a map of lanes shows.
package enum LaneQuantity: String, Sendable, CaseIterable {
    /// The share of ones.
    case p
    /// The correlation with the previous shot.
    case lag
    /// The correlation with the majority of the lanes.
    case cross
    /// The trim, in steps of the board.
    case trim

    var title: String {
        switch self {
        case .p: "p(1) of good lanes"
        case .lag: "lag-1 correlation of good lanes"
        case .cross: "correlation of good lanes with the majority"
        case .trim: "trim of good lanes, in steps"
        }
    }

    /// Where a good lane is.
    var middle: Double { self == .p ? 0.5 : 0 }

    /// What half the range of a scale may be.
    var spans: [Double] {
        switch self {
        case .p: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
        case .lag, .cross: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
        case .trim: [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 40_000]
        }
    }

    /// Decimal places of the numbers at the ends of the scale.
    var places: Int { self == .trim ? 0 : 2 }

    func value(of lane: LaneReport) -> Double {
        switch self {
        case .p: lane.p
        case .lag: lane.lagOne
        case .cross: lane.crossLane
        case .trim: Double(lane.trim)
        }
    }
}

/// A picture of the lanes of a board: a character each, shaded by a quantity.
package struct HeatMap {
    /// The numbers of lanes that a row may have.
    private static let rowLengths = [64, 32, 16]
    /// The columns before the first lane of a row.
    private static let margin = 6

    private let lanes: [LaneReport]
    private let quantity: LaneQuantity
    private let palette: Palette
    private let scale: ShadeScale
    private let columns: Int

    /// The scale is the smallest that holds every good lane, of few, so that maps of one board can be
    /// compared.
    ///
    /// - Parameter columns: of the terminal; nil for any width.
    package init(_ lanes: [LaneReport], of quantity: LaneQuantity = .p, palette: Palette, columns: Int? = nil) {
        self.lanes = lanes
        self.quantity = quantity
        self.palette = palette
        self.columns = columns ?? .max
        let middle = quantity.middle
        let farthest =
            lanes.filter { $0.state == .good }.map { abs(quantity.value(of: $0) - middle) }.max()
            ?? 0
        let spans = quantity.spans
        let span = spans.first { $0 >= farthest } ?? spans[spans.count - 1]
        scale = ShadeScale(around: middle, span: span, palette: palette)
    }

    /// Rows of lanes, each with the number of its first lane, and the legend.
    package var text: String {
        let length = Self.rowLengths.first { Self.margin + $0 <= columns } ?? Self.rowLengths[Self.rowLengths.count - 1]
        let rows = stride(from: 0, to: lanes.count, by: length).map { start in
            let row = lanes[start..<min(start + length, lanes.count)]
            let label = padded("\(row.first?.lane ?? start)", to: 5, .right)
            return "\(label) \(row.map(symbol).joined())\n"
        }
        return rows.joined() + "\n" + legend
    }

    private func symbol(_ lane: LaneReport) -> String {
        mark(lane.state) ?? scale.shade(of: quantity.value(of: lane))
    }

    /// Nil for a good lane.
    private func mark(_ state: LaneReport.State) -> String? {
        switch state {
        case .good: nil
        case .warned: palette.paint("!", .yellow)
        case .failed: palette.paint("×", .red)
        case .starting: "·"
        case .leased: palette.paint("L", .yellow)
        }
    }

    private var legend: String {
        let hasLeased = lanes.contains { $0.state == .leased }
        let marks = ([LaneReport.State.warned, .failed, .starting] + (hasLeased ? [.leased] : [])).map { state in
            "\(mark(state) ?? "") \(state.rawValue)"
        }
        // A scale is never broken: one does not see where it ends.
        return lines(
            of: [
                ("", "\(quantity.title):"), (" ", scale.legend(places: quantity.places)),
                ("   ", marks.joined(separator: "   ")),
            ], margin: Self.margin, columns: columns)
    }
}
