// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

/// What is wrong with a file that should hold a surface.
package enum SurfaceFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It does not begin as a surface does, or is of another version.
    case unknownFormat
    /// A line of the header is missing or cannot be read.
    case header(String)
    /// The values are more or fewer bytes than the grid needs.
    case size(expected: Int, found: Int)

    package var description: String {
        switch self {
        case .unknownFormat: "not a switching surface of version 1"
        case .header(let name): "the header has no usable \"\(name)\""
        case .size(let expected, let found): "\(found) bytes of values, not \(expected)"
        }
    }
}

// A text header of "name: value" lines that ends with an empty line, then the values as
// little-endian 16-bit numbers.
extension SwitchingSurface {
    private static let title = "metrng switching surface 1"

    package init(file: [UInt8]) throws(SurfaceFileError) {
        let newline = UInt8(ascii: "\n")
        guard file.starts(with: Array(Self.title.utf8) + [newline]),
            let end = file.indices.dropLast().first(where: {
                file[$0] == newline && file[$0 + 1] == newline
            })
        else { throw .unknownFormat }
        let header = SurfaceHeader(String(decoding: file[..<end], as: UTF8.self))
        let grid = SurfaceGrid(
            anisotropies: try header.numbers("anisotropyFieldsMicrotesla", atLeast: 4),
            widths: try header.numbers("widthsPicoseconds", atLeast: 4),
            temperatures: try header.numbers("temperaturesKelvin", atLeast: 4),
            fields: try header.numbers("easyAxisFieldsMicrotesla", atLeast: 3))
        let bytes = file[(end + 2)...]
        guard bytes.count == 2 * grid.count else {
            throw .size(expected: 2 * grid.count, found: bytes.count)
        }
        let values = (0..<grid.count).map { place in
            UInt16(bytes[end + 2 + 2 * place]) | UInt16(bytes[end + 3 + 2 * place]) << 8
        }
        self.init(
            provenance: SurfaceProvenance(
                preset: try header.text("preset"), method: try header.text("method"),
                shots: try header.number("shots"), seed: try header.number("seed")),
            grid: grid, values: values)
    }

    /// The surface as a file that `init(file:)` reads, with the nominal device for people to read.
    package func file(of preset: ArrayPreset) -> [UInt8] {
        func list(_ points: [Double]) -> String { points.map { "\($0)" }.joined(separator: " ") }
        let lines =
            [
                ("preset", provenance.preset), ("method", provenance.method),
                ("shots", "\(provenance.shots)"), ("seed", "\(provenance.seed)"),
                ("device", "\(preset.device)"),
                ("biasFieldMicrotesla", "\(preset.operatingPoint.biasFieldMicrotesla)"),
                ("anisotropyFieldsMicrotesla", list(grid.anisotropies.points)),
                ("widthsPicoseconds", list(grid.widths.points)),
                ("temperaturesKelvin", list(grid.temperatures.points)),
                ("easyAxisFieldsMicrotesla", list(grid.fields.points)),
            ]
        let header = lines.map { "\($0.0): \($0.1)\n" }.joined()
        return Array("\(Self.title)\n\(header)\n".utf8)
            + values.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    }
}

/// The lines of a surface's header.
private struct SurfaceHeader {
    private var lines: [Substring: Substring] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            lines[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == " " }
        }
    }

    func text(_ name: String) throws(SurfaceFileError) -> String {
        guard let line = lines[Substring(name)] else { throw .header(name) }
        return String(line)
    }

    func number<Number: FixedWidthInteger>(_ name: String) throws(SurfaceFileError) -> Number {
        guard let number = Number(try text(name)) else { throw .header(name) }
        return number
    }

    /// Numbers that rise.
    func numbers(_ name: String, atLeast count: Int) throws(SurfaceFileError) -> [Double] {
        let parts = try text(name).split(separator: " ")
        let numbers = parts.compactMap { Double($0) }
        guard numbers.count == parts.count, numbers.count >= count,
            zip(numbers, numbers.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw .header(name) }
        return numbers
    }
}
