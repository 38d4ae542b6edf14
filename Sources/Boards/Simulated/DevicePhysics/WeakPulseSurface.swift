// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Level 2 of the model for short pulses, among them the weak ones that rarely switch a device: what `SwitchingSurface`
/// is for all others.
///
/// It is made from the equation of level 1 instead of its shots, and interpolates the probit Φ⁻¹(p), the distance to the
/// other state in standard deviations. Of a rare event, that is smooth where the probability is not. The anisotropy field
/// without voltage is a coordinate of its own, so that a device differs from the nominal one by no approximation.
package struct WeakPulseSurface: Sendable, Equatable {
    let grid: WeakPulseGrid
    /// Probits in units of 1 / `unitsPerProbit`; widths next to one another, then anisotropy fields, then anisotropy
    /// fields without voltage, then temperatures, then fields.
    let values: [Int16]

    static let unitsPerProbit = 5000.0

    init(grid: WeakPulseGrid, values: [Int16]) {
        precondition(values.count == grid.count)
        self.grid = grid
        self.values = values
    }

    /// The chain of a device: interpolated by cubics. Outside the grid, the value at its edge.
    package func chain(at place: SwitchingSurface.Place) -> SwitchingChain {
        let stencils = WeakPulseStencils(
            width: grid.widths.stencil(at: place.pulseWidthPicoseconds),
            anisotropy: grid.anisotropies.stencil(at: place.anisotropyFieldMicrotesla),
            resting: grid.restingAnisotropies.stencil(at: place.restingAnisotropyFieldMicrotesla),
            temperature: grid.temperatures.stencil(at: place.temperatureKelvin))
        let probits = grid.fields.points.indices.map { interpolate(field: $0, stencils) }
        func probability(field: Double) -> Double {
            let stencil = grid.fields.stencil(at: field)
            var probit = 0.0
            for place in 0..<grid.fields.stencilCount {
                probit += stencil.weights[place] * probits[stencil.first + place]
            }
            return Probit.probability(probit / Self.unitsPerProbit)
        }
        return SwitchingChain(
            p01: probability(field: place.easyAxisFieldMicrotesla),
            p10: probability(field: -place.easyAxisFieldMicrotesla))
    }

    private func interpolate(field: Int, _ stencils: WeakPulseStencils) -> Double {
        var sum = SIMD4<Double>()
        for t in 0..<4 {
            for r in 0..<4 {
                let weight = stencils.temperature.weights[t] * stencils.resting.weights[r]
                for b in 0..<4 {
                    let first = grid.index(
                        field: field, temperature: stencils.temperature.first + t,
                        resting: stencils.resting.first + r, anisotropy: stencils.anisotropy.first + b,
                        width: stencils.width.first)
                    let row = SIMD4<Int16>(
                        values[first], values[first + 1], values[first + 2], values[first + 3])
                    sum += SIMD4<Double>(row) * (weight * stencils.anisotropy.weights[b])
                }
            }
        }
        return (sum * stencils.width.weights).sum()
    }
}

/// Which points a value of the surface is made of.
private struct WeakPulseStencils {
    let width: SurfaceAxis.Stencil
    let anisotropy: SurfaceAxis.Stencil
    let resting: SurfaceAxis.Stencil
    let temperature: SurfaceAxis.Stencil
}

/// The points at which a weak-pulse surface was made.
package struct WeakPulseGrid: Sendable, Equatable {
    let anisotropies: SurfaceAxis
    let restingAnisotropies: SurfaceAxis
    let widths: SurfaceAxis
    let temperatures: SurfaceAxis
    let fields: SurfaceAxis

    /// In µT, µT, ps, K and µT.
    init(
        anisotropies: [Double], restingAnisotropies: [Double], widths: [Double], temperatures: [Double],
        fields: [Double]
    ) {
        self.anisotropies = SurfaceAxis(anisotropies, stencilCount: 4)
        self.restingAnisotropies = SurfaceAxis(restingAnisotropies, stencilCount: 4)
        self.widths = SurfaceAxis(widths, stencilCount: 4)
        self.temperatures = SurfaceAxis(temperatures, stencilCount: 4)
        self.fields = SurfaceAxis(fields, stencilCount: 4)
    }

    var count: Int {
        fields.points.count * temperatures.points.count * restingAnisotropies.points.count
            * anisotropies.points.count * widths.points.count
    }

    func index(field: Int, temperature: Int, resting: Int, anisotropy: Int, width: Int) -> Int {
        let row =
            (field * temperatures.points.count + temperature) * restingAnisotropies.points.count + resting
        return (row * anisotropies.points.count + anisotropy) * widths.points.count + width
    }
}

/// Φ, the distribution function of the standard normal distribution, and its inverse.
enum Probit {
    /// The smallest probability that differs from 0: thresholds of the simulated array are coarser.
    static let smallest = 1e-8

    static func probability(_ probit: Double) -> Double { erfc(-probit / 2.0.squareRoot()) / 2 }

    /// - Parameter probability: taken as no nearer to 0 or 1 than `smallest`.
    static func value(of probability: Double) -> Double {
        let probability = max(smallest, min(1 - smallest, probability))
        var (low, high) = (-6.0, 6.0)
        // Halving to less than 1e-9 of a probit.
        for _ in 0..<34 {
            let middle = (low + high) / 2
            if Self.probability(middle) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
