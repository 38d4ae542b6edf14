// SPDX-License-Identifier: Apache-2.0

/// Shades for the values of a range: in colour, from blue for low through pale to red for high; otherwise blocks from
/// low to high. Their number is odd, so that the middle of the range has a shade of its own and lies on no edge.
struct ShadeScale {
    /// Indices into the 256 colours of a terminal.
    private static let colors = [21, 33, 75, 253, 215, 203, 196]
    private static let shades = ["▁", "▂", "▃", "▄", "▅", "▆", "▇"]

    /// The middle of the range; `span` extends to either side of it.
    private let middle: Double
    private let span: Double
    private let palette: Palette

    init(around middle: Double, span: Double, palette: Palette) {
        self.middle = middle
        self.span = span
        self.palette = palette
    }

    /// The shade of a value; beyond the range, that of its end.
    func shade(of value: Double) -> String {
        let place = (value - (middle - span)) / (2 * span) * Double(steps)
        return shade(at: place.isNaN ? 0 : Int(min(max(place, 0), Double(steps - 1))))
    }

    /// The shades between the ends of the range.
    func legend(places: Int) -> String {
        let scale = (0..<steps).map(shade).joined()
        return "\(decimal(middle - span, places: places)) \(scale)"
            + " \(decimal(middle + span, places: places))"
    }

    private var steps: Int { palette == .plain ? Self.shades.count : Self.colors.count }

    private func shade(at step: Int) -> String {
        switch palette {
        case .plain: Self.shades[step]
        case .colored: "\u{1B}[38;5;\(Self.colors[step])m█\u{1B}[0m"
        }
    }
}
