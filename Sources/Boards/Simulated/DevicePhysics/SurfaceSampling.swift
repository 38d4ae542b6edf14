// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

extension SwitchingSurface {
    /// A row of a surface: all widths at one anisotropy field, temperature and easy-axis field.
    package struct Row: Sendable {
        package let anisotropy: Int
        package let temperature: Int
        package let field: Int
    }

    static let method = "Stratonovich-Heun macrospin, 2 ps, sums of two uniform numbers as noise"

    /// Makes the surface of a preset.
    ///
    /// - Parameter progress: called with the rows done and their number.
    package static func sample(
        _ preset: ArrayPreset, shots: Int, seed: UInt64, progress: (Int, Int) -> Void
    ) -> SwitchingSurface {
        let grid = preset.surfaceGrid
        var values = [UInt16](repeating: 0, count: grid.count)
        for (done, row) in grid.rows.enumerated() {
            let shares = grid.probabilities(
                of: row, preset: preset, shots: shots, seed: grid.seed(of: row, from: seed))
            let first = grid.index(
                field: row.field, temperature: row.temperature, anisotropy: row.anisotropy, width: 0
            )
            for (width, share) in shares.enumerated() {
                values[first + width] = UInt16((65535 * share).rounded())
            }
            progress(done + 1, grid.rows.count)
        }
        return SwitchingSurface(
            provenance: SurfaceProvenance(
                preset: preset.rawValue, method: method, shots: shots, seed: seed),
            grid: grid, values: values)
    }

    /// Compares rows of the surface with new shots of level 1.
    ///
    /// - Parameter points: at least so many points are compared, in rows chosen by the seed; a seed
    ///   other than the one the surface was made with.
    package func compare(
        points: Int, preset: ArrayPreset, shots: Int, seed: UInt64
    ) -> SurfaceComparison {
        var random = SplitMix64(seed: seed)
        let widths = grid.widths.points.count
        let rows = grid.rows.shuffled(using: &random).prefix((points + widths - 1) / widths)
        var comparison = SurfaceComparison()
        for row in rows {
            let shares = grid.probabilities(
                of: row, preset: preset, shots: shots, seed: grid.seed(of: row, from: seed))
            let first = grid.index(
                field: row.field, temperature: row.temperature, anisotropy: row.anisotropy, width: 0
            )
            for (width, share) in shares.enumerated() {
                comparison.add(difference: Double(values[first + width]) / 65535 - share)
            }
        }
        return comparison
    }
}

/// How far a surface is from new shots.
package struct SurfaceComparison: Sendable, CustomStringConvertible {
    package private(set) var points = 0
    package private(set) var largest = 0.0
    private var squares = 0.0

    package var rootMeanSquare: Double { (squares / Double(max(points, 1))).squareRoot() }

    mutating func add(difference: Double) {
        points += 1
        largest = max(largest, abs(difference))
        squares += difference * difference
    }

    package var description: String {
        "\(points) points: largest deviation \(largest), root mean square \(rootMeanSquare)"
    }
}

extension SurfaceGrid {
    var rows: [SwitchingSurface.Row] {
        fields.points.indices.flatMap { field in
            temperatures.points.indices.flatMap { temperature in
                anisotropies.points.indices.map {
                    SwitchingSurface.Row(anisotropy: $0, temperature: temperature, field: field)
                }
            }
        }
    }

    /// A seed for each row, so that rows do not depend on the order in which they are made.
    func seed(of row: SwitchingSurface.Row, from seed: UInt64) -> UInt64 {
        var random = SplitMix64(seed: seed)
        let place = index(
            field: row.field, temperature: row.temperature, anisotropy: row.anisotropy, width: 0)
        return random.next() ^ UInt64(place)
    }

    func probabilities(
        of row: SwitchingSurface.Row, preset: ArrayPreset, shots: Int, seed: UInt64
    ) -> [Double] {
        let spin = Macrospin(
            device: preset.device, biasFieldMicrotesla: preset.operatingPoint.biasFieldMicrotesla,
            easyAxisFieldMicrotesla: fields.points[row.field],
            temperatureKelvin: temperatures.points[row.temperature])
        return spin.switchingProbabilities(
            amplitudeMillivolts: 1000
                * spin.device.volts(anisotropyField: anisotropies.points[row.anisotropy] * 1e-6),
            widths: widths.points, from: .down, shots: shots, seed: seed)
    }
}
