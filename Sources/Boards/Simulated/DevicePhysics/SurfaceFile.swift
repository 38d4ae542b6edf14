// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

/// What is wrong with a file that should hold a surface.
package enum SurfaceFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It does not begin as such a surface does, or is of another version.
    case unknownFormat(expected: String)
    /// A line of the header is missing or cannot be read.
    case header(String)
    /// The values are more or fewer bytes than the grid needs.
    case size(expected: Int, found: Int)

    package var description: String {
        switch self {
        case .unknownFormat(let expected): "not a \(expected) of version 1"
        case .header(let name): "the header has no usable \"\(name)\""
        case .size(let expected, let found): "\(found) bytes of values, not \(expected)"
        }
    }
}

// A text header of "name: value" lines that ends with an empty line, then the values as
// little-endian 16-bit numbers.
extension SwitchingSurface {
    private static let kind = "switching surface"

    package init(file: [UInt8]) throws(SurfaceFileError) {
        let file = try SurfaceFile(file, kind: Self.kind)
        let header = file.header
        let grid = SurfaceGrid(
            anisotropies: try header.numbers("anisotropyFieldsMicrotesla", atLeast: 4),
            widths: try header.numbers("widthsPicoseconds", atLeast: 4),
            temperatures: try header.numbers("temperaturesKelvin", atLeast: 4),
            fields: try header.numbers("easyAxisFieldsMicrotesla", atLeast: 3))
        self.init(
            provenance: SurfaceProvenance(
                preset: try header.text("preset"), method: try header.text("method"),
                shots: try header.number("shots"), seed: try header.number("seed")),
            grid: grid, values: try file.values(count: grid.count))
    }

    /// The surface as a file that `init(file:)` reads, with the nominal device for people to read.
    package func file(of preset: ArrayPreset) -> [UInt8] {
        SurfaceFile.bytes(
            kind: Self.kind,
            lines: [
                ("preset", provenance.preset), ("method", provenance.method),
                ("shots", "\(provenance.shots)"), ("seed", "\(provenance.seed)"),
                ("device", "\(preset.device)"),
                ("biasFieldMicrotesla", "\(preset.operatingPoint.biasFieldMicrotesla)"),
                ("anisotropyFieldsMicrotesla", SurfaceFile.list(grid.anisotropies)),
                ("widthsPicoseconds", SurfaceFile.list(grid.widths)),
                ("temperaturesKelvin", SurfaceFile.list(grid.temperatures)),
                ("easyAxisFieldsMicrotesla", SurfaceFile.list(grid.fields)),
            ], values: values)
    }
}

extension WeakPulseSurface {
    private static let kind = "weak-pulse surface"

    package init(file: [UInt8]) throws(SurfaceFileError) {
        let file = try SurfaceFile(file, kind: Self.kind)
        let header = file.header
        let grid = WeakPulseGrid(
            anisotropies: try header.numbers("anisotropyFieldsMicrotesla", atLeast: 4),
            restingAnisotropies: try header.numbers("restingAnisotropyFieldsMicrotesla", atLeast: 4),
            widths: try header.numbers("widthsPicoseconds", atLeast: 4),
            temperatures: try header.numbers("temperaturesKelvin", atLeast: 4),
            fields: try header.numbers("easyAxisFieldsMicrotesla", atLeast: 4))
        self.init(
            grid: grid, values: try file.values(count: grid.count).map(Int16.init(bitPattern:)))
    }

    /// The surface as a file that `init(file:)` reads, with what it was made of for people to read.
    package func file(of preset: ArrayPreset) -> [UInt8] {
        SurfaceFile.bytes(
            kind: Self.kind,
            lines: [
                ("preset", preset.rawValue), ("method", Self.method), ("device", "\(preset.device)"),
                ("biasFieldMicrotesla", "\(preset.operatingPoint.biasFieldMicrotesla)"),
                ("unitsPerProbit", "\(Self.unitsPerProbit)"),
                ("anisotropyFieldsMicrotesla", SurfaceFile.list(grid.anisotropies)),
                ("restingAnisotropyFieldsMicrotesla", SurfaceFile.list(grid.restingAnisotropies)),
                ("widthsPicoseconds", SurfaceFile.list(grid.widths)),
                ("temperaturesKelvin", SurfaceFile.list(grid.temperatures)),
                ("easyAxisFieldsMicrotesla", SurfaceFile.list(grid.fields)),
            ], values: values.map(UInt16.init(bitPattern:)))
    }
}

/// The parts of a file that holds a surface.
private struct SurfaceFile {
    let header: SurfaceHeader
    private let bytes: ArraySlice<UInt8>

    init(_ file: [UInt8], kind: String) throws(SurfaceFileError) {
        let newline = UInt8(ascii: "\n")
        guard file.starts(with: Array(Self.title(kind).utf8)),
            let end = file.indices.dropLast().first(where: {
                file[$0] == newline && file[$0 + 1] == newline
            })
        else { throw .unknownFormat(expected: kind) }
        header = SurfaceHeader(String(decoding: file[..<end], as: UTF8.self))
        bytes = file[(end + 2)...]
    }

    func values(count: Int) throws(SurfaceFileError) -> [UInt16] {
        guard bytes.count == 2 * count else { throw .size(expected: 2 * count, found: bytes.count) }
        return (0..<count).map { place in
            let first = bytes.startIndex + 2 * place
            return UInt16(bytes[first]) | UInt16(bytes[first + 1]) << 8
        }
    }

    static func bytes(kind: String, lines: [(String, String)], values: [UInt16]) -> [UInt8] {
        let header = lines.map { "\($0.0): \($0.1)\n" }.joined()
        return Array("\(title(kind))\(header)\n".utf8)
            + values.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    }

    static func list(_ axis: SurfaceAxis) -> String {
        axis.points.map { "\($0)" }.joined(separator: " ")
    }

    private static func title(_ kind: String) -> String { "metrng \(kind) 1\n" }
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
