// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
package import ControlInterface

/// The points of a sweep as a chart for a browser or a paper: a curve for each amplitude, or one against
/// the amplitude; the line of ½ and the proposal. It refers to nothing outside of itself.
package func sweepSVG(_ sweep: SweepReport) -> String {
    let body = SweepCurves(sweep.points).map { chart($0, sweep.proposal) } ?? ""
    let warning = banner([(sweep.name, sweep.provenance)]).filter { !$0.isNewline }
    let title = "Switching probability of the devices of \(sweep.name)"
    return """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Frame.width) \(Frame.height)" \
        width="\(Frame.width)" height="\(Frame.height)" font-family="sans-serif" font-size="14">
        <title>\(escaped(title))</title>
        <rect width="100%" height="100%" fill="white"/>
        \(text(title, x: Frame.left, y: 26, "font-size=\"18\""))
        \(text(warning, x: Frame.left, y: 48, "fill=\"#b00020\" font-weight=\"bold\""))
        \(body)
        </svg>

        """
}

/// Where the parts of the chart are, in pixels.
private enum Frame {
    static let (width, height) = (960, 560)
    static let (left, right, top, bottom) = (70, 780, 64, 490)
}

private func chart(_ curves: SweepCurves, _ proposal: OperatingPoint?) -> String {
    let place = { (value: Double) in
        Double(Frame.left) + curves.share(value) * Double(Frame.right - Frame.left)
    }
    return
        (axes(curves, place) + curves.curves.indices.map { curve($0, of: curves, place) }
        + legend(curves) + mark(curves, proposal, place)).joined(separator: "\n")
}

private func height(_ share: Double) -> Double {
    Double(Frame.bottom) - within(share) * Double(Frame.bottom - Frame.top)
}

private func axes(_ curves: SweepCurves, _ place: (Double) -> Double) -> [String] {
    let levels = [0, 0.25, 0.5, 0.75, 1].flatMap { share in
        let y = height(share)
        let style = share == 0.5 ? "stroke=\"black\" stroke-dasharray=\"6 4\"" : "stroke=\"#ddd\""
        return [
            line((Double(Frame.left), y), (Double(Frame.right), y), style),
            text(
                share == 0.5 ? "½" : decimal(share, places: 2), x: Frame.left - 8, y: Int(y) + 5,
                "text-anchor=\"end\""),
        ]
    }
    let ticks = curves.ticks(8).flatMap { tick in
        let x = place(tick)
        return [
            line((x, Double(Frame.bottom)), (x, Double(Frame.bottom + 6)), "stroke=\"black\""),
            text(
                decimal(tick, places: 0), x: Int(x), y: Frame.bottom + 24, "text-anchor=\"middle\""),
        ]
    }
    let middle = (Frame.left + Frame.right) / 2
    return levels + ticks + [
        line(
            (Double(Frame.left), Double(Frame.bottom)), (Double(Frame.right), Double(Frame.bottom)),
            "stroke=\"black\""),
        line(
            (Double(Frame.left), Double(Frame.top)), (Double(Frame.left), Double(Frame.bottom)),
            "stroke=\"black\""),
        text(curves.axis.title, x: middle, y: Frame.bottom + 50, "text-anchor=\"middle\""),
        text("P", x: 20, y: (Frame.top + Frame.bottom) / 2, "font-style=\"italic\""),
    ]
}

private func curve(
    _ index: Int, of curves: SweepCurves, _ place: (Double) -> Double
) -> String {
    let points = curves.curves[index].map { point in
        "\(decimal(place(curves.axis.place(of: point)), places: 1)),"
            + decimal(height(point.switching), places: 1)
    }
    return "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\""
        + " stroke=\"\(color(index, of: curves))\" stroke-width=\"1.5\"/>"
}

/// From blue for the first curve to red for the last.
private func color(_ index: Int, of curves: SweepCurves) -> String {
    let share = Double(index) / Double(max(1, curves.curves.count - 1))
    return "hsl(\(decimal(230 * (1 - share), places: 0)) 85% 42%)"
}

/// What the curves are of; of many curves, some.
private func legend(_ curves: SweepCurves) -> [String] {
    let count = curves.curves.count
    let stride = max(1, (count + 19) / 20)
    return (0..<count).filter { $0.isMultiple(of: stride) }.enumerated().flatMap { row, index in
        let y = Frame.top + 12 + 20 * row
        let level = curves.curves[index].first.map(curves.axis.level) ?? ""
        return [
            line(
                (Double(Frame.right + 16), Double(y)), (Double(Frame.right + 40), Double(y)),
                "stroke=\"\(color(index, of: curves))\" stroke-width=\"3\""),
            text(level, x: Frame.right + 48, y: y + 5, ""),
        ]
    }
}

private func mark(
    _ curves: SweepCurves, _ proposal: OperatingPoint?, _ place: (Double) -> Double
) -> [String] {
    guard let proposal, curves.range.contains(curves.axis.place(of: proposal)) else { return [] }
    let x = place(curves.axis.place(of: proposal))
    return [
        line(
            (x, Double(Frame.top)), (x, Double(Frame.bottom)),
            "stroke=\"#555\" stroke-dasharray=\"2 3\""),
        "<circle cx=\"\(decimal(x, places: 1))\" cy=\"\(decimal(height(0.5), places: 1))\" r=\"6\""
            + " fill=\"none\" stroke=\"black\" stroke-width=\"2\"/>",
        text("proposal: \(pulses(proposal))", x: Frame.left, y: Frame.bottom + 66, ""),
    ]
}

private func line(
    _ start: (x: Double, y: Double), _ end: (x: Double, y: Double), _ style: String
) -> String {
    "<line x1=\"\(decimal(start.x, places: 1))\" y1=\"\(decimal(start.y, places: 1))\""
        + " x2=\"\(decimal(end.x, places: 1))\" y2=\"\(decimal(end.y, places: 1))\" \(style)/>"
}

private func text(_ content: String, x: Int, y: Int, _ style: String) -> String {
    "<text x=\"\(x)\" y=\"\(y)\" \(style)>\(escaped(content))</text>"
}

/// Text of others as text of XML, which knows no control characters.
private func escaped(_ text: String) -> String {
    printable(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        .replacing(">", with: "&gt;")
}
