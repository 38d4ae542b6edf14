// SPDX-License-Identifier: Apache-2.0

/// Dots in the cells of a terminal, two by four in each, as the braille patterns of Unicode.
struct BrailleCanvas {
    private static let bits: [[UInt32]] = [
        [0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80],
    ]

    let columns: Int
    let rows: Int
    private var cells: [UInt32]

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
        cells = Array(repeating: 0, count: columns * rows)
    }

    /// How many dots there are in a row, and in a column.
    var size: (x: Int, y: Int) { (2 * columns, 4 * rows) }

    /// - Parameters:
    ///   - x: from the left.
    ///   - y: from the top.
    mutating func setDot(_ x: Int, _ y: Int) {
        cells[y / 4 * columns + x / 2] |= Self.bits[y % 4][x % 2]
    }

    /// A straight line of dots, both ends among them.
    mutating func drawLine(from start: (x: Int, y: Int), to end: (x: Int, y: Int)) {
        let steps = max(abs(end.x - start.x), abs(end.y - start.y), 1)
        for step in 0...steps {
            setDot(
                start.x + rounded((end.x - start.x) * step, over: steps),
                start.y + rounded((end.y - start.y) * step, over: steps))
        }
    }

    private func rounded(_ dividend: Int, over divisor: Int) -> Int {
        (2 * dividend + (dividend < 0 ? -divisor : divisor)) / (2 * divisor)
    }

    /// A row of cells, with another character where there are no dots.
    func row(_ row: Int, empty: Character) -> String {
        String(
            cells[row * columns..<(row + 1) * columns].map { dots in
                guard dots != 0, let scalar = Unicode.Scalar(0x2800 + dots) else { return empty }
                return Character(scalar)
            })
    }
}
