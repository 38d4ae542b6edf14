// SPDX-License-Identifier: Apache-2.0

/// The points of a surface along one quantity, and how values between them are interpolated.
struct SurfaceAxis: Sendable, Equatable {
    /// Rising; at least as many as a stencil has.
    let points: [Double]
    /// Points that an interpolated value is made of: 4 for a cubic, 3 for a quadratic.
    let stencilCount: Int

    init(_ points: [Double], stencilCount: Int) {
        precondition(points.count >= stencilCount && stencilCount <= 4)
        self.points = points
        self.stencilCount = stencilCount
    }

    /// Lagrange weights of neighbouring points for a value; those past a stencil's end are 0.
    struct Stencil {
        var first: Int
        var weights: SIMD4<Double>
    }

    /// - Parameter value: clamped to the ends of the axis.
    func stencil(at value: Double) -> Stencil {
        let value = max(points[0], min(points[points.count - 1], value))
        // The number of points at or below the value, by halving.
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if points[middle] <= value { low = middle + 1 } else { high = middle }
        }
        let first = max(0, min(low - stencilCount / 2, points.count - stencilCount))
        var weights = SIMD4<Double>()
        for place in 0..<stencilCount {
            var product = 1.0
            var divisor = 1.0
            for other in 0..<stencilCount where other != place {
                product *= value - points[first + other]
                divisor *= points[first + place] - points[first + other]
            }
            weights[place] = product / divisor
        }
        return Stencil(first: first, weights: weights)
    }
}
