// SPDX-License-Identifier: Apache-2.0

import PNGFiles

/// How a terminal shows grey.
enum GrayStyle: Sendable {
    /// Two pixels a character, one above the other, in 24-bit colours.
    case trueColor
    /// The same in the 256 colours of a terminal, of which 26 are grey.
    case indexed
    /// Two characters a pixel, in five shades.
    case shades
    /// The same in ASCII.
    case ascii

    init(of console: Console) {
        let declined = console.variable("NO_COLOR") != nil || console.variable("TERM") == "dumb"
        let depth = console.variable("COLORTERM")
        switch (console.showsUnicode, console.outputIsTerminal && !declined) {
        case (false, _): self = .ascii
        case (true, false): self = .shades
        case (true, true): self = depth == "truecolor" || depth == "24bit" ? .trueColor : .indexed
        }
    }

    /// The columns that a pixel takes.
    var columnsPerPixel: Int {
        switch self {
        case .trueColor, .indexed: 1
        case .shades, .ascii: 2
        }
    }

    /// The lines of an image.
    func lines(_ image: GrayImage) -> [String] {
        switch self {
        case .trueColor, .indexed:
            stride(from: 0, to: image.height, by: 2).map { y in
                (0..<image.width).map { x in
                    let top = image.pixels[y * image.width + x]
                    let hasBottom = y + 1 < image.height
                    let bottom = hasBottom ? image.pixels[(y + 1) * image.width + x] : nil
                    return halfBlock(top, bottom)
                }.joined() + "\u{1B}[0m"
            }
        case .shades, .ascii:
            (0..<image.height).map { y in
                (0..<image.width).map { x in shade(image.pixels[y * image.width + x]) }.joined()
            }
        }
    }

    private func halfBlock(_ top: UInt8, _ bottom: UInt8?) -> String {
        let background = bottom.map { color(48, $0) } ?? "\u{1B}[49m"
        return color(38, top) + background + "▀"
    }

    /// - Parameter role: 38 for the foreground, 48 for the background.
    private func color(_ role: Int, _ level: UInt8) -> String {
        guard self == .indexed else { return "\u{1B}[\(role);2;\(level);\(level);\(level)m" }
        // Black and white of the cube, and the 24 greys between them.
        let index = level < 4 ? 16 : level > 246 ? 231 : 232 + min((Int(level) - 3) / 10, 23)
        return "\u{1B}[\(role);5;\(index)m"
    }

    private func shade(_ level: UInt8) -> String {
        let shades = self == .ascii ? [" ", ".", "+", "#", "@"] : [" ", "░", "▒", "▓", "█"]
        let shade = shades[min(Int(level) / 51, 4)]
        return shade + shade
    }
}

/// Images in rows as wide as a terminal, each under its caption.
///
/// - Parameters:
///   - images: with captions; of one size.
///   - columns: of the terminal. Images that are wider are made smaller.
func terminalPicture(_ images: [(caption: String, image: GrayImage)], style: GrayStyle, columns: Int) -> String {
    guard let first = images.first else { return "" }
    let widest = max(1, columns / style.columnsPerPixel)
    let factor = (first.image.width + widest - 1) / widest
    let tiles = images.map { tile in
        (caption: tile.caption, lines: style.lines(factor > 1 ? reduced(tile.image, by: factor) : tile.image))
    }
    let width = max(1, (first.image.width + factor - 1) / factor) * style.columnsPerPixel
    let perRow = max(1, (columns + 1) / (width + 1))
    return stride(from: 0, to: tiles.count, by: perRow).map { start in
        let row = tiles[start..<min(start + perRow, tiles.count)]
        let captions = row.map { padded(String($0.caption.prefix(width)), to: width) }.joined(separator: " ")
        let hasCaptions = row.contains { !$0.caption.isEmpty }
        let lines = (0..<row[start].lines.count).map { line in row.map { $0.lines[line] }.joined(separator: " ") }
        return ((hasCaptions ? [captions] : []) + lines).map { $0 + "\n" }.joined()
    }.joined(separator: "\n")
}

/// An image of which each pixel is the mean of a square.
private func reduced(_ image: GrayImage, by factor: Int) -> GrayImage {
    let (height, width) = ((image.height + factor - 1) / factor, (image.width + factor - 1) / factor)
    let pixels = (0..<height * width).map { index in
        var (sum, count) = (0, 0)
        let (top, left) = (index / width * factor, index % width * factor)
        for y in top..<min(top + factor, image.height) {
            for x in left..<min(left + factor, image.width) {
                sum += Int(image.pixels[y * image.width + x])
                count += 1
            }
        }
        return UInt8(sum / count)
    }
    return GrayImage(height: height, width: width, pixels: pixels)
}

func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}
