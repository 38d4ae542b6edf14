// SPDX-License-Identifier: Apache-2.0

/// A real function on the unit sphere as a series of spherical harmonics up to a degree: the complex coefficients of
/// the orders m ≥ 0, of which the others follow.
struct HarmonicSeries: Sendable {
    let layout: HarmonicLayout
    /// The real parts, then the imaginary parts.
    var coefficients: [Double]

    /// 0 everywhere.
    init(_ layout: HarmonicLayout) {
        self.layout = layout
        coefficients = Array(repeating: 0, count: 2 * layout.count)
    }

    /// 1 where z > 0, otherwise 0.
    static func upperHalf(_ layout: HarmonicLayout) -> HarmonicSeries {
        var series = HarmonicSeries(layout)
        // Legendre polynomials at 0: those of the degrees before and after give the integral from 0 to 1.
        var values = [1.0, 0.0]
        for degree in 1...layout.degree {
            values.append(-Double(degree) / Double(degree + 1) * values[degree - 1])
        }
        for degree in 0...layout.degree {
            let integral = degree == 0 ? 1 : (values[degree - 1] - values[degree + 1]) / Double(2 * degree + 1)
            series.coefficients[layout.index(degree, 0)] = 2 * .pi * Self.poleValue(degree) * integral
        }
        return series
    }

    /// The density of a certain magnetisation along −z.
    static func lowerPole(_ layout: HarmonicLayout) -> HarmonicSeries {
        var series = HarmonicSeries(layout)
        for degree in 0...layout.degree {
            series.coefficients[layout.index(degree, 0)] = (degree % 2 == 0 ? 1 : -1) * Self.poleValue(degree)
        }
        return series
    }

    /// The integral of the product of two functions over the sphere. The degrees that only one of them has are taken as
    /// 0 in the other.
    func integral(with other: HarmonicSeries) -> Double {
        let shared = min(layout.degree, other.layout.degree)
        var sum = 0.0
        for order in 0...shared {
            var products = 0.0
            for degree in order...shared {
                let (here, there) = (layout.index(degree, order), other.layout.index(degree, order))
                products += coefficients[here] * other.coefficients[there]
                products += coefficients[layout.count + here] * other.coefficients[other.layout.count + there]
            }
            sum += order == 0 ? products : 2 * products
        }
        return sum
    }

    /// The harmonic of a degree and order 0 at the pole +z.
    private static func poleValue(_ degree: Int) -> Double { (Double(2 * degree + 1) / (4 * .pi)).squareRoot() }
}

/// Where the coefficients of a series are: a row for each order from −1 to one more than the largest, in which degrees
/// follow one another. The places around those that count are 0, so that neighbours can be read without a check.
/// The row of order −1 follows from that of order 1.
struct HarmonicLayout: Sendable, Equatable {
    let degree: Int
    let stride: Int

    /// - Parameter degree: the largest one, at least 2.
    init(degree: Int) {
        precondition(degree >= 2)
        self.degree = degree
        stride = (degree + 13) & ~3
    }

    var count: Int { (degree + 3) * stride }

    func index(_ degree: Int, _ order: Int) -> Int { (order + 1) * stride + degree + 4 }
}
