// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The fields that the motion of a macrospin depends on, in T, and its damping.
struct MacrospinFields: Sendable, Equatable {
    /// Along x.
    var bias: Double
    /// Along z; upwards favours `DeviceState.up`.
    var easyAxis: Double
    /// Anisotropy field without voltage; more than 0.
    var restingAnisotropy: Double
    /// kT / (Ms·Vol).
    var thermal: Double
    var damping: Double
}

/// Level 1 of the model without chance: the probability that the shots of `Macrospin` switch, from the Fokker-Planck
/// equation of its magnetisation. Exact but for the degree of the series, where level 1 has the error of its shots and
/// of its time step.
///
/// The density of the magnetisation after settling, and the probability to be up after relaxing as a function of the
/// magnetisation before it, do not depend on the pulse. In between, the pulse takes that function back to its beginning:
/// the backward equation, of which every width is a moment.
struct SwitchingEquation {
    private let fields: MacrospinFields
    private let settled: HarmonicSeries
    private let relaxed: HarmonicSeries

    /// Takes a second or so.
    ///
    /// - Parameter settlingDamping: the damping before the pulse.
    init(_ fields: MacrospinFields, settlingDamping: Double) {
        precondition(fields.restingAnisotropy > 0 && fields.thermal > 0)
        self.fields = fields
        var settling = fields
        settling.damping = settlingDamping
        settled = MacrospinGenerator(
            settling, anisotropy: fields.restingAnisotropy, degree: Self.degree(for: settling), isForward: true
        ).advanced(HarmonicSeries.lowerPole, picoseconds: Macrospin.settlingPicoseconds)
        relaxed = MacrospinGenerator(
            fields, anisotropy: fields.restingAnisotropy, degree: Self.degree(for: fields), isForward: false
        ).advanced(HarmonicSeries.upperHalf, picoseconds: Macrospin.relaxationPicoseconds)
    }

    /// The probability to go from down to up, for each width of a pulse.
    ///
    /// - Parameters:
    ///   - anisotropy: the anisotropy field during the pulse, in T.
    ///   - widths: in ps, rising.
    func probabilities(anisotropy: Double, widths: [Double]) -> [Double] {
        let pulse = MacrospinGenerator(
            fields, anisotropy: anisotropy, degree: relaxed.layout.degree, isForward: false)
        var function = relaxed
        var reached = 0.0
        return widths.map { width in
            precondition(width >= reached)
            function = pulse.advanced(function, picoseconds: width - reached)
            reached = width
            return settled.integral(with: function)
        }
    }

    /// The degree at which the error of a probability is about 1e-9 and 0.02 %. The finest structure of the functions is that of
    /// a settled magnetisation, or where precession draws them out as fast as diffusion blurs them.
    private static func degree(for fields: MacrospinFields) -> Int {
        let angles = (fields.restingAnisotropy / fields.thermal).squareRoot()
        return max(56, Int((angles * max(6.5, 1.8 / fields.damping.squareRoot())).rounded(.up)))
    }
}

/// The operator of the Fokker-Planck equation of a macrospin, or of its backward equation.
///
/// With the drift −γ'·[m×B + α m×(m×B)] and the diffusion αγ'·kT/(Ms·Vol), the backward equation is
///
///     ∂u/∂t = γ'·[iB·ℒ + α·∇(m·B')·∇ + α·kT/(Ms·Vol)·∇²]·u,   m·B' = Bx·mx + Bz·mz + Bk·mz²/2
///
/// where ℒ = −i m×∇ and ∇f·∇u = ½(∇²(fu) − f∇²u − u∇²f): products with mx and mz, which take a harmonic to those of
/// neighbouring degree and order, are all there is. The forward equation is the adjoint.
struct MacrospinGenerator {
    private let layout: HarmonicLayout
    /// For each order, and four degrees at a time, the couplings in the order of `Coupling`. Per ps.
    private let couplings: [SIMD4<Double>]
    private let steppingRate: Double

    /// The terms of a coefficient's change: by the difference of degree and order of the coefficient that they come from,
    /// real ones first, then those that are multiplied by i.
    private enum Coupling: Int, CaseIterable {
        case same, below, above, twoBelow, twoAbove
        case belowLeft, belowRight, aboveLeft, aboveRight
        case turnSame, turnBelow, turnAbove, turnLeft, turnRight
    }

    init(_ fields: MacrospinFields, anisotropy: Double, degree: Int, isForward: Bool) {
        layout = HarmonicLayout(degree: degree)
        let rate = Constants.gyromagneticRatio * 1e-12 / (1 + fields.damping * fields.damping)
        let terms = MacrospinTerms(
            fields: fields, anisotropy: anisotropy, degree: degree, isForward: isForward)
        var couplings: [SIMD4<Double>] = []
        for order in 0...degree {
            for first in stride(from: order, through: degree, by: 4) {
                for coupling in Coupling.allCases {
                    var values = SIMD4<Double>()
                    for place in 0..<4 where first + place <= degree {
                        values[place] = rate * Self.value(of: coupling, terms, first + place, order)
                    }
                    couplings.append(values)
                }
            }
        }
        self.couplings = couplings
        let precession =
            Double(degree) * (abs(fields.bias) + abs(fields.easyAxis) + abs(anisotropy) / 2)
        let diffusion = fields.damping * fields.thermal * Double(degree * (degree + 1))
        steppingRate = rate * (precession + diffusion) / Self.largestProduct
    }

    /// The largest product of a step and the fastest rate. The series of four terms is stable up to 2.7.
    private static let largestProduct = 2.6

    private static func value(
        of coupling: Coupling, _ terms: MacrospinTerms, _ degree: Int, _ order: Int
    ) -> Double {
        switch coupling {
        case .same: terms.gradient(degree, from: degree, order)
        case .below: terms.gradient(degree, from: degree - 1, order)
        case .above: terms.gradient(degree, from: degree + 1, order)
        case .twoBelow: terms.gradient(degree, from: degree - 2, order)
        case .twoAbove: terms.gradient(degree, from: degree + 2, order)
        case .belowLeft: terms.biasGradient(degree, order, from: degree - 1, order - 1)
        case .belowRight: terms.biasGradient(degree, order, from: degree - 1, order + 1)
        case .aboveLeft: terms.biasGradient(degree, order, from: degree + 1, order - 1)
        case .aboveRight: terms.biasGradient(degree, order, from: degree + 1, order + 1)
        case .turnSame: terms.precession(degree, from: degree, order)
        case .turnBelow: terms.precession(degree, from: degree - 1, order)
        case .turnAbove: terms.precession(degree, from: degree + 1, order)
        case .turnLeft: terms.biasPrecession(degree, order, from: order - 1)
        case .turnRight: terms.biasPrecession(degree, order, from: order + 1)
        }
    }

    /// What a function is after a time.
    func advanced(_ function: (HarmonicLayout) -> HarmonicSeries, picoseconds: Double) -> HarmonicSeries {
        advanced(function(layout), picoseconds: picoseconds)
    }

    /// A series after a time: exp(A·t), of which each step takes four terms.
    func advanced(_ series: HarmonicSeries, picoseconds: Double) -> HarmonicSeries {
        guard picoseconds > 0 else { return series }
        let steps = (picoseconds * steppingRate).rounded(.up)
        let step = picoseconds / steps
        var now = series
        var (stage, next) = (series, series)
        for _ in 0..<Int(steps) {
            add(step / 4, timesChangeOf: now, to: now, into: &stage)
            add(step / 3, timesChangeOf: stage, to: now, into: &next)
            add(step / 2, timesChangeOf: next, to: now, into: &stage)
            add(step, timesChangeOf: stage, to: now, into: &next)
            swap(&now, &next)
        }
        return now
    }

    private func add(
        _ factor: Double, timesChangeOf series: HarmonicSeries, to base: HarmonicSeries, into sum: inout HarmonicSeries
    ) {
        let layout = layout
        series.coefficients.withUnsafeBufferPointer { from in
            base.coefficients.withUnsafeBufferPointer { base in
                couplings.withUnsafeBufferPointer { couplings in
                    sum.coefficients.withUnsafeMutableBufferPointer { sum in
                        guard var coupling = couplings.baseAddress, let from = from.baseAddress,
                            let base = base.baseAddress, let sum = sum.baseAddress
                        else { return }
                        for order in 0...layout.degree {
                            for degree in Swift.stride(from: order, through: layout.degree, by: 4) {
                                let place = layout.index(degree, order)
                                let change = Self.change(
                                    from: from + place, imaginary: layout.count, row: layout.stride, coupling)
                                store(load(base + place) + factor * change.real, sum + place)
                                let other = layout.count + place
                                store(load(base + other) + factor * change.imaginary, sum + other)
                                coupling += Coupling.allCases.count
                            }
                        }
                        Self.mirror(sum, layout)
                    }
                }
            }
        }
    }

    /// The change of four coefficients.
    ///
    /// - Parameters:
    ///   - real: the first of them; its imaginary part and the next row are at those distances.
    @inline(__always)
    private static func change(
        from real: UnsafePointer<Double>, imaginary distance: Int, row: Int, _ c: UnsafePointer<SIMD4<Double>>
    ) -> (real: SIMD4<Double>, imaginary: SIMD4<Double>) {
        @inline(__always)
        func gradient(_ p: UnsafePointer<Double>) -> SIMD4<Double> {
            var sum = c[0] * load(p) + c[1] * load(p - 1) + c[2] * load(p + 1)
            sum += c[3] * load(p - 2) + c[4] * load(p + 2)
            sum += c[5] * load(p - row - 1) + c[6] * load(p + row - 1)
            return sum + c[7] * load(p - row + 1) + c[8] * load(p + row + 1)
        }
        @inline(__always)
        func turn(_ p: UnsafePointer<Double>) -> SIMD4<Double> {
            let sum = c[9] * load(p) + c[10] * load(p - 1) + c[11] * load(p + 1)
            return sum + c[12] * load(p - row) + c[13] * load(p + row)
        }
        let imaginary = real + distance
        return (gradient(real) - turn(imaginary), gradient(imaginary) + turn(real))
    }

    /// Makes the row of order −1, of which the coefficients are −1 times the conjugates of those of order 1.
    private static func mirror(_ coefficients: UnsafeMutablePointer<Double>, _ layout: HarmonicLayout) {
        for degree in 1...layout.degree {
            let (from, to) = (layout.index(degree, 1), layout.index(degree, -1))
            coefficients[to] = -coefficients[from]
            coefficients[layout.count + to] = coefficients[layout.count + from]
        }
    }
}

@inline(__always)
private func load(_ place: UnsafePointer<Double>) -> SIMD4<Double> {
    UnsafeRawPointer(place).loadUnaligned(as: SIMD4<Double>.self)
}

@inline(__always)
private func load(_ place: UnsafeMutablePointer<Double>) -> SIMD4<Double> { load(UnsafePointer(place)) }

@inline(__always)
private func store(_ values: SIMD4<Double>, _ place: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(place).storeBytes(of: values, as: SIMD4<Double>.self)
}

/// What couples the coefficient of one harmonic to the change of another, in T.
private struct MacrospinTerms {
    let fields: MacrospinFields
    let anisotropy: Double
    let degree: Int
    let isForward: Bool

    /// Damping and diffusion, without the bias field.
    func gradient(_ to: Int, from: Int, _ order: Int) -> Double {
        guard exists(to, order), exists(from, order) else { return 0 }
        let (to, from) = isForward ? (from, to) : (to, from)
        var sum = 0.0
        if to == from { sum += fields.thermal * Self.laplacian(to) }
        if abs(to - from) == 1 { sum += fields.easyAxis * Self.easyGradient(to, from: from, order) }
        // mz·∇mz·∇, by way of the degree between.
        for between in [from - 1, from + 1] where abs(to - between) == 1 && between >= order {
            sum +=
                anisotropy * Self.easy(to, between, order) * Self.easyGradient(between, from: from, order)
        }
        return fields.damping * sum
    }

    /// Damping by the bias field.
    func biasGradient(_ to: Int, _ order: Int, from: Int, _ fromOrder: Int) -> Double {
        guard exists(to, order), exists(from, fromOrder) else { return 0 }
        let difference = Self.laplacian(to) - Self.laplacian(from)
        return fields.damping * fields.bias * Self.bias(to, order, from, fromOrder)
            * ((isForward ? -difference : difference) / 2 + 1)
    }

    /// Precession without the bias field.
    func precession(_ to: Int, from: Int, _ order: Int) -> Double {
        guard exists(to, order), exists(from, order) else { return 0 }
        let field = to == from ? fields.easyAxis : anisotropy * Self.easy(to, from, order)
        return (isForward ? -1 : 1) * field * Double(order)
    }

    /// Precession about the bias field.
    func biasPrecession(_ degree: Int, _ order: Int, from: Int) -> Double {
        guard exists(degree, order), exists(degree, from) else { return 0 }
        let step = order - from
        let product = (degree - step * from) * (degree + step * from + 1)
        return (isForward ? -0.5 : 0.5) * fields.bias * Double(product).squareRoot()
    }

    private func exists(_ degree: Int, _ order: Int) -> Bool {
        degree >= abs(order) && degree <= self.degree
    }

    private static func laplacian(_ degree: Int) -> Double { -Double(degree * (degree + 1)) }

    private static func easyGradient(_ to: Int, from: Int, _ order: Int) -> Double {
        easy(to, from, order) * ((laplacian(to) - laplacian(from)) / 2 + 1)
    }

    /// The coupling of neighbouring degrees by a product with mz.
    private static func easy(_ to: Int, _ from: Int, _ order: Int) -> Double {
        let upper = max(to, from)
        return (Double(upper * upper - order * order) / Double(4 * upper * upper - 1)).squareRoot()
    }

    /// The coupling of neighbouring degrees and orders by a product with mx.
    private static func bias(_ to: Int, _ order: Int, _ from: Int, _ fromOrder: Int) -> Double {
        let step = order - fromOrder
        if to > from {
            let product = (from + step * fromOrder + 1) * (from + step * fromOrder + 2)
            return -0.5 * Double(step) * (Double(product) / Double((2 * from + 1) * (2 * from + 3))).squareRoot()
        }
        let product = (from - step * fromOrder) * (from - step * fromOrder - 1)
        return 0.5 * Double(step) * (Double(product) / Double((2 * from - 1) * (2 * from + 1))).squareRoot()
    }
}
