// SPDX-License-Identifier: Apache-2.0

/// Level 2 of the model: the probability that a shot takes a device from down to up, as a function
/// of amplitude, pulse width, temperature and easy-axis field, made from level 1 for the nominal
/// device of a preset.
///
/// The amplitude is given by the anisotropy field that it leaves during the pulse. At that field the
/// motion depends little on temperature; the amplitude that leads to it depends on it much.
///
/// The probability of going from up to down is that of the opposite field, by symmetry.
package struct SwitchingSurface: Sendable, Equatable {
    /// Where a value is: the nominal device is driven with it at the nominal bias field.
    package struct Place: Sendable, Equatable {
        /// During the pulse.
        package var anisotropyFieldMicrotesla: Double
        /// Without voltage. `SwitchingSurface` takes that of the nominal device at the temperature instead.
        package var restingAnisotropyFieldMicrotesla: Double
        package var pulseWidthPicoseconds: Double
        package var temperatureKelvin: Double
        package var easyAxisFieldMicrotesla: Double

        package init(
            anisotropyFieldMicrotesla: Double, restingAnisotropyFieldMicrotesla: Double,
            pulseWidthPicoseconds: Double, temperatureKelvin: Double, easyAxisFieldMicrotesla: Double
        ) {
            self.anisotropyFieldMicrotesla = anisotropyFieldMicrotesla
            self.restingAnisotropyFieldMicrotesla = restingAnisotropyFieldMicrotesla
            self.pulseWidthPicoseconds = pulseWidthPicoseconds
            self.temperatureKelvin = temperatureKelvin
            self.easyAxisFieldMicrotesla = easyAxisFieldMicrotesla
        }
    }

    package let provenance: SurfaceProvenance
    let grid: SurfaceGrid
    /// Probabilities in units of 1 / 65,535; widths next to one another, then anisotropy fields,
    /// then temperatures, then fields.
    let values: [UInt16]

    init(provenance: SurfaceProvenance, grid: SurfaceGrid, values: [UInt16]) {
        precondition(values.count == grid.count)
        self.provenance = provenance
        self.grid = grid
        self.values = values
    }

    /// The chain of the nominal device: interpolated by cubics, in the field by a quadratic, and
    /// clamped to 0 ... 1. Outside the grid, the value at its edge.
    package func chain(at place: Place) -> SwitchingChain {
        let width = grid.widths.stencil(at: place.pulseWidthPicoseconds)
        let anisotropy = grid.anisotropies.stencil(at: place.anisotropyFieldMicrotesla)
        let temperature = grid.temperatures.stencil(at: place.temperatureKelvin)
        let fields = grid.fields.points.indices.map { field in
            interpolate(field: field, temperature, anisotropy, width)
        }
        let up = along(grid.fields.stencil(at: place.easyAxisFieldMicrotesla), fields)
        let down = along(grid.fields.stencil(at: -place.easyAxisFieldMicrotesla), fields)
        return SwitchingChain(p01: up, p10: down)
    }

    private func along(_ stencil: SurfaceAxis.Stencil, _ fields: [Double]) -> Double {
        var sum = 0.0
        for place in 0..<grid.fields.stencilCount {
            sum += stencil.weights[place] * fields[stencil.first + place]
        }
        return max(0, min(1, sum / 65535))
    }

    private func interpolate(
        field: Int, _ temperature: SurfaceAxis.Stencil, _ anisotropy: SurfaceAxis.Stencil,
        _ width: SurfaceAxis.Stencil
    ) -> Double {
        var sum = SIMD4<Double>()
        for t in 0..<4 {
            for b in 0..<4 {
                let first = grid.index(
                    field: field, temperature: temperature.first + t,
                    anisotropy: anisotropy.first + b, width: width.first)
                let row = SIMD4<UInt16>(
                    values[first], values[first + 1], values[first + 2], values[first + 3])
                sum += SIMD4<Double>(row) * (temperature.weights[t] * anisotropy.weights[b])
            }
        }
        return (sum * width.weights).sum()
    }
}

/// The points at which a surface was made.
package struct SurfaceGrid: Sendable, Equatable {
    let anisotropies: SurfaceAxis
    let widths: SurfaceAxis
    let temperatures: SurfaceAxis
    let fields: SurfaceAxis

    /// In µT, ps, K and µT.
    init(anisotropies: [Double], widths: [Double], temperatures: [Double], fields: [Double]) {
        self.anisotropies = SurfaceAxis(anisotropies, stencilCount: 4)
        self.widths = SurfaceAxis(widths, stencilCount: 4)
        self.temperatures = SurfaceAxis(temperatures, stencilCount: 4)
        self.fields = SurfaceAxis(fields, stencilCount: 3)
    }

    var count: Int {
        fields.points.count * temperatures.points.count * anisotropies.points.count
            * widths.points.count
    }

    func index(field: Int, temperature: Int, anisotropy: Int, width: Int) -> Int {
        ((field * temperatures.points.count + temperature) * anisotropies.points.count + anisotropy)
            * widths.points.count + width
    }
}

/// How a surface came about: enough to make it again, bit for bit.
package struct SurfaceProvenance: Sendable, Equatable {
    package var preset: String
    /// What made the values.
    package var method: String
    package var shots: Int
    package var seed: UInt64
}
