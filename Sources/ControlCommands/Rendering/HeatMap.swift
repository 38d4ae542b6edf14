// SPDX-License-Identifier: Apache-2.0

package import ControlInterface

/// A picture of the lanes of a board: a character each, shaded by the fraction of ones.
package struct HeatMap {
    static let lanesPerRow = 64
    /// Half the range of the scale: the smallest of these that holds every good lane, so that maps
    /// of one board can be compared.
    private static let spans = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
    /// From few ones (blue) over half to many ones (red), of the 256 colours of a terminal.
    private static let colors = [21, 33, 75, 153, 223, 215, 203, 196]
    private static let shades = ["░", "▒", "▓", "█"]

    private let lanes: [LaneReport]
    private let palette: Palette
    private let span: Double

    package init(_ lanes: [LaneReport], palette: Palette) {
        self.lanes = lanes
        self.palette = palette
        let farthest = lanes.filter { $0.state == .good }.map { abs($0.p - 0.5) }.max() ?? 0
        span = Self.spans.first { $0 >= farthest } ?? 0.5
    }

    /// Rows of lanes, each with the number of its first lane, and the legend.
    package var text: String {
        let rows = stride(from: 0, to: lanes.count, by: Self.lanesPerRow).map { start in
            let row = lanes[start..<min(start + Self.lanesPerRow, lanes.count)]
            let label = padded("\(row.first?.lane ?? start)", to: 5, .right)
            return "\(label) \(row.map(symbol).joined())\n"
        }
        return rows.joined() + "\n" + legend
    }

    private func symbol(_ lane: LaneReport) -> String {
        switch lane.state {
        case .good: shade(at: step(lane.p))
        case .warned: palette.paint("!", .yellow)
        case .failed: palette.paint("×", .red)
        case .starting: "·"
        }
    }

    private var steps: Int { palette == .plain ? Self.shades.count : Self.colors.count }

    /// Where on the scale, from 0 to `steps - 1`, a fraction of ones is.
    private func step(_ p: Double) -> Int {
        let place = (p - (0.5 - span)) / (2 * span) * Double(steps)
        return Int(min(max(place, 0), Double(steps - 1)))
    }

    private func shade(at step: Int) -> String {
        switch palette {
        case .plain: Self.shades[step]
        case .colored: "\u{1B}[38;5;\(Self.colors[step])m█\u{1B}[0m"
        }
    }

    private var legend: String {
        let low = decimal(0.5 - span, places: 2)
        let high = decimal(0.5 + span, places: 2)
        let scale = (0..<steps).map(shade).joined()
        let marks = [LaneReport.State.warned, .failed, .starting].map { state in
            let lane = LaneReport(
                lane: 0, state: state, p: 0, repetitionCountAlarms: 0,
                adaptiveProportionAlarms: 0)
            return "\(symbol(lane)) \(state.rawValue)"
        }
        return
            "      p(1) of good lanes: \(low) \(scale) \(high)   \(marks.joined(separator: "   "))\n"
    }
}
