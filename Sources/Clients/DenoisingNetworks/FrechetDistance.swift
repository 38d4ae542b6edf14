// SPDX-License-Identifier: Apache-2.0

/// The mean and the covariance of a set of vectors.
public struct Moments: Sendable, Equatable {
    /// The mean.
    public let mean: [Double]
    /// The covariance, row by row.
    public let covariance: [Double]

    /// The number of values of a vector.
    public var dimension: Int { mean.count }

    /// Moments that are known: `covariance` is symmetric, row by row.
    package init(mean: [Double], covariance: [Double]) {
        precondition(covariance.count == mean.count * mean.count)
        (self.mean, self.covariance) = (mean, covariance)
    }

    /// The moments of vectors of `dimension` values that follow each other, at least two of them.
    public init(of vectors: [Float], dimension: Int) {
        precondition(dimension > 0 && vectors.count.isMultiple(of: dimension) && vectors.count >= 2 * dimension)
        let count = vectors.count / dimension
        var mean = [Double](repeating: 0, count: dimension)
        for row in 0..<count {
            for column in 0..<dimension { mean[column] += Double(vectors[row * dimension + column]) / Double(count) }
        }
        var covariance = [Double](repeating: 0, count: dimension * dimension)
        var centred = mean
        for row in 0..<count {
            for column in 0..<dimension { centred[column] = Double(vectors[row * dimension + column]) - mean[column] }
            for first in 0..<dimension {
                for second in 0...first { covariance[first * dimension + second] += centred[first] * centred[second] }
            }
        }
        for first in 0..<dimension {
            for second in 0...first {
                covariance[first * dimension + second] /= Double(count - 1)
                covariance[second * dimension + first] = covariance[first * dimension + second]
            }
        }
        self.init(mean: mean, covariance: covariance)
    }

    /// The Fréchet distance between normal distributions with these moments and others:
    /// |m₁ − m₂|² + tr(C₁ + C₂ − 2(C₁C₂)^½). Covariances may be singular.
    public func frechetDistance(to other: Moments) -> Double {
        precondition(dimension == other.dimension)
        let root = Self.squareRoot(of: covariance, order: dimension)
        // The trace of (C₁C₂)^½ is that of (C₁^½·C₂·C₁^½)^½, which is symmetric.
        let inner = LinearAlgebra.product(root, other.covariance, order: dimension)
        let product = LinearAlgebra.product(inner, root, order: dimension)
        let trace = Self.eigenvectors(of: product, order: dimension).values.reduce(0) { $0 + max(0, $1).squareRoot() }
        let distance = zip(mean, other.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let traces = (0..<dimension).reduce(0) {
            $0 + covariance[$1 * dimension + $1] + other.covariance[$1 * dimension + $1]
        }
        return distance + traces - 2 * trace
    }

    private static func squareRoot(of matrix: [Double], order: Int) -> [Double] {
        let (values, vectors) = eigenvectors(of: matrix, order: order)
        var scaled = vectors
        for row in 0..<order {
            // With the fourth roots in both factors, the product has the square roots.
            let factor = max(0, values[row]).squareRoot().squareRoot()
            for column in 0..<order { scaled[row * order + column] *= factor }
        }
        var transposed = scaled
        for row in 0..<order {
            for column in 0..<order { transposed[column * order + row] = scaled[row * order + column] }
        }
        return LinearAlgebra.product(transposed, scaled, order: order)
    }

    private static func eigenvectors(of matrix: [Double], order: Int) -> (values: [Double], vectors: [Double]) {
        guard let result = LinearAlgebra.eigenvectors(of: matrix, order: order) else {
            preconditionFailure("moments are finite")
        }
        return result
    }
}
