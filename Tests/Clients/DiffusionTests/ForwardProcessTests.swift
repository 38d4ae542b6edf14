// SPDX-License-Identifier: Apache-2.0

import Diffusion
import DiffusionTestSupport
import Foundation
import TestSupport
import Testing

/// The numbers of devices that are up, in pixels of one grey level, and the law that they should follow.
struct PixelStatistics {
    /// By how many standard deviations the mean differs from the law's.
    var mean: Double
    /// The same for the variance over pixels and loads, and for the correlation of neighbouring pixels.
    var variance, correlation: Double
    /// The same for the sum of squares of the means of each place.
    var places: Double

    var worst: Double { [mean, variance, correlation, places].map(abs).max() ?? 0 }

    /// - Parameters:
    ///   - counts: of the pixels, load after load.
    ///   - pixelsPerLoad: the number of places.
    ///   - law: the distribution of a count, but for `pairCovariance`.
    ///   - pairCovariance: the covariance of two devices, which is not 0 as a load never uses a lane twice; its sum over
    ///     the pairs of a pixel, and over the pairs between two pixels.
    init(
        _ counts: [UInt16], pixelsPerLoad: Int, law: [Double], pairCovariance: (inside: Double, between: Double)
    ) {
        let expected = law.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
        func moment(_ power: Double) -> Double {
            law.enumerated().reduce(0) { $0 + pow(Double($1.offset) - expected, power) * $1.element }
        }
        let variance = moment(2) + pairCovariance.inside
        let total = Double(counts.count)
        let deviations = counts.map { Double($0) - expected }
        mean = deviations.reduce(0, +) / total / (variance / total).squareRoot()
        let squares = deviations.reduce(0) { $0 + $1 * $1 } / total
        self.variance = (squares - variance) / ((moment(4) - moment(2) * moment(2)) / total).squareRoot()
        let pairs = stride(from: 0, to: counts.count - 1, by: 2).map { deviations[$0] * deviations[$0 + 1] }
        let products = pairs.reduce(0, +) / Double(pairs.count)
        correlation = (products - pairCovariance.between) / variance * Double(pairs.count).squareRoot()
        let loads = counts.count / pixelsPerLoad
        var sums = [Double](repeating: 0, count: pixelsPerLoad)
        for (index, deviation) in deviations.enumerated() { sums[index % pixelsPerLoad] += deviation }
        let chiSquare = sums.reduce(0) { $0 + $1 * $1 / (variance * Double(loads)) }
        places = (chiSquare - Double(pixelsPerLoad)) / (2 * Double(pixelsPerLoad)).squareRoot()
    }
}

/// The mean law of devices, and its covariances over lanes.
struct ArrayLaw {
    /// The probability of each lane to be up, written down and written up.
    let fromDown, fromUp: [Double]

    init(_ devices: [SoftwareArray.Device], after pulses: Int) {
        func chance(_ device: SoftwareArray.Device, _ start: Double) -> Double {
            let settled = device.rise / (device.rise + device.fall)
            return settled + (start - settled) * pow(1 - device.rise - device.fall, Double(pulses))
        }
        fromDown = devices.map { chance($0, 0) }
        fromUp = devices.map { chance($0, 1) }
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    var correlation: Double { mean(fromUp) - mean(fromDown) }
    var offset: Double { mean(fromUp) + mean(fromDown) - 1 }

    /// The covariance of two devices on lanes that were drawn without putting them back.
    private func covariance(_ one: [Double], _ other: [Double]) -> Double {
        -(mean(zip(one, other).map { $0 * $1 }) - mean(one) * mean(other)) / Double(one.count - 1)
    }

    func pairCovariance(start: Int, devices: Int) -> (inside: Double, between: Double) {
        let (up, down) = (Double(start), Double(devices - start))
        let (both, none, mixed) = (
            covariance(fromUp, fromUp), covariance(fromDown, fromDown), covariance(fromUp, fromDown)
        )
        return (
            up * (up - 1) * both + down * (down - 1) * none + 2 * up * down * mixed,
            up * up * both + down * down * none + 2 * up * down * mixed
        )
    }
}

@Suite(
    "The forward process against theory: mean, variance and correlation of pixels with a spread of devices; controls")
struct ForwardProcessTests {
    static let code = ThermometerCode()
    static let readings = [1, 10, 35, 100, 300]
    /// With 512 lanes, a million devices are written for each reading.
    static let loads = 1_954

    static let devices = SoftwareArray.devices(
        512, flipProbability: 0.01, logarithmSpread: 0.5, asymmetrySpread: 0.065, seed: 5)

    /// The worst deviation from the law of the devices, over readings and quantities.
    func deviation(
        level: Double, faults: SoftwareArray.Faults = SoftwareArray.Faults(),
        placement: ForwardProcess.Placement = .permuted, law: ((Int) -> (Double, Double))? = nil
    ) throws -> Double {
        let array = SoftwareArray(devices: Self.devices, faults: faults, seed: 6)
        let process = try ForwardProcess(
            array: array, code: Self.code, rounding: .nearest, bits: RandomBits(SeededSource(7)))
        process.placement = placement
        let pixelsPerLoad = 512 / Self.code.devices
        let levels = [Float](repeating: Float(level), count: Self.loads * pixelsPerLoad)
        let counts = try process.trajectories(of: levels, readAt: Self.readings)
        let start = Int(Self.code.exactCount(of: level))
        return zip(Self.readings, counts).map { pulses, counts in
            let exact = ArrayLaw(Self.devices, after: pulses)
            let (correlation, offset) = law?(pulses) ?? (exact.correlation, exact.offset)
            return PixelStatistics(
                counts, pixelsPerLoad: pixelsPerLoad,
                law: countLaw(
                    start: start, devices: Self.code.devices, correlation: correlation, offset: offset),
                pairCovariance: exact.pairCovariance(start: start, devices: Self.code.devices)
            ).worst
        }.max() ?? 0
    }

    @Test(
        "A million devices a step follow the law of the mean device: 20 values, of which each exceeds its bound for 1 seed in 100,000",
        arguments: [-1.0, -0.25, 1])
    func law(level: Double) throws {
        #expect(try deviation(level: level) < zLimit)
    }

    @Test("They follow the law of the measured curve, which has errors of its own")
    func measuredLaw() throws {
        let calibration = try ProcessCalibration.measure(
            SoftwareArray(devices: Self.devices, seed: 8), .init(mostPulses: 300, loads: 8_000))
        let worst = try deviation(level: 0.5) { pulses in
            (calibration.curve.correlation(after: Double(pulses)), calibration.curve.offset(after: Double(pulses)))
        }
        #expect(worst < zLimit)
    }

    @Test("Control: devices that are correlated are found")
    func correlated() throws {
        var faults = SoftwareArray.Faults()
        faults.correlation = 0.3
        #expect(try deviation(level: -0.25, faults: faults) > 10 * zLimit)
        faults.correlation = 0.05
        #expect(try deviation(level: -0.25, faults: faults) > zLimit)
    }

    @Test("Control: one per cent of stuck lanes left in is found")
    func stuck() throws {
        var faults = SoftwareArray.Faults()
        faults.stuckUp = [7, 130, 255, 300, 480]
        #expect(try deviation(level: -0.25, faults: faults) > zLimit)
    }

    @Test("Control: a preference of all devices for one state is found")
    func asymmetric() throws {
        var faults = SoftwareArray.Faults()
        faults.asymmetry = 0.01
        #expect(try deviation(level: -0.25, faults: faults) > zLimit)
    }

    @Test("Control: a fixed permutation is found")
    func fixedPlacement() throws {
        #expect(try deviation(level: -0.25, placement: .fixed) > zLimit)
    }

    @Test("Lanes that are left out are neither used nor needed")
    func leftOut() throws {
        var faults = SoftwareArray.Faults()
        faults.stuckUp = [0, 5, 64]
        var mask = LaneBits(repeating: false, count: 128)
        for lane in faults.stuckUp { mask[lane] = true }
        let devices = SoftwareArray.devices(128, flipProbability: 0.01)
        let process = try ForwardProcess(
            array: SoftwareArray(devices: devices, faults: faults, seed: 1), leavingOut: mask,
            bits: RandomBits(SeededSource(1)))
        let counts = try process.trajectories(of: [Float](repeating: -1, count: 1_000), readAt: [0])
        #expect(counts[0].allSatisfy { $0 == 0 })
        #expect(process.loads(pixels: 1_000) == 128)
        #expect(throws: DiffusionError.self) {
            try ForwardProcess(
                array: SoftwareArray(devices: devices, seed: 1),
                leavingOut: LaneBits(repeating: true, count: 128), bits: RandomBits(SeededSource(1)))
        }
    }

    @Test(
        "An image that needs more lanes than there are is divided, and many small ones share a load",
        arguments: [64, 512])
    func loads(lanes: Int) throws {
        let array = SoftwareArray(devices: SoftwareArray.devices(lanes, flipProbability: 0.01), seed: 1)
        let process = try ForwardProcess(array: array, bits: RandomBits(SeededSource(1)))
        let levels = (0..<100).map { Float($0 % 17) / 8 - 1 }
        var seen: [Int] = []
        let counts = try process.trajectories(of: levels, readAt: [0, 2]) { done, total in
            seen.append(done)
            return total == (100 * 16 + lanes - 1) / lanes
        }
        #expect(counts[0] == (0..<100).map { UInt16($0 % 17) })
        #expect(counts[1] != counts[0])
        #expect(seen == Array(1...(100 * 16 + lanes - 1) / lanes))
    }

    @Test("A caller that wants no more ends it")
    func interrupted() throws {
        let array = SoftwareArray(devices: SoftwareArray.devices(64, flipProbability: 0.01), seed: 1)
        let process = try ForwardProcess(array: array, bits: RandomBits(SeededSource(1)))
        #expect {
            try process.trajectories(of: [Float](repeating: 0, count: 64), readAt: [1]) { done, _ in done < 2 }
        } throws: { error in
            if case .interrupted? = error as? DiffusionError { true } else { false }
        }
    }

    /// The root mean square, over pixels in fixed places, of the deviation of a pixel's mean in stationary σ; noise is
    /// taken off.
    private func offset(chopping: Int?, pulses: Int) throws -> Double {
        let devices = SoftwareArray.devices(512, flipProbability: 0.01, asymmetrySpread: 0.07, seed: 9)
        let process = try ForwardProcess(
            array: SoftwareArray(devices: devices, seed: 10), rounding: .nearest, chopping: chopping,
            bits: RandomBits(SeededSource(11)))
        process.placement = .fixed
        let (loads, places) = (2_000, 512 / 16)
        let counts = try process.trajectories(
            of: [Float](repeating: 0, count: loads * places), readAt: [pulses])[0]
        var sums = [Double](repeating: 0, count: places)
        for (index, count) in counts.enumerated() { sums[index % places] += Double(count) - 8 }
        // In units of σ = 2: the variance of the mean of so many loads is 1 / loads.
        let square = sums.reduce(0) { $0 + pow($1 / Double(loads) / 2, 2) } / Double(places)
        return max(square - 1 / Double(loads), 0).squareRoot()
    }

    @Test("Chopping takes off the preference of devices for one state")
    func chopping() throws {
        #expect(try offset(chopping: nil, pulses: 300) > 0.05)
        #expect(try offset(chopping: 10, pulses: 300) < 0.02)
        #expect(try offset(chopping: 5, pulses: 303) < 0.02)
    }

    @Test("Chopping does not change what is remembered")
    func choppedCorrelation() throws {
        let devices = SoftwareArray.devices(512, flipProbability: 0.01)
        let process = try ForwardProcess(
            array: SoftwareArray(devices: devices, seed: 3), chopping: 7, bits: RandomBits(SeededSource(4)))
        let levels = [Float](repeating: 1, count: 20_000)
        let counts = try process.trajectories(of: levels, readAt: [6, 7, 8, 50])
        for (pulses, counts) in zip([6, 7, 8, 50], counts) {
            let ups = counts.reduce(0) { $0 + Int($1) }
            let probability = (1 + pow(0.98, Double(pulses))) / 2
            #expect(abs(zScore(successes: ups, trials: 320_000, probability: probability)) < zLimit)
        }
    }
}

@Suite("The thermometer code: counts, levels, and the scale of noise")
struct ThermometerCodeTests {
    @Test("The 17 levels of the digits are exact in 16 devices, by either rounding and without bits")
    func exact() throws {
        let code = ThermometerCode()
        let bits = RandomBits(EmptySource())
        for count in 0...16 {
            let level = Double(count) / 8 - 1
            #expect(try code.count(of: level, rounding: .random, bits: bits) == count)
            #expect(try code.count(of: level, rounding: .nearest, bits: bits) == count)
            #expect(code.level(of: count) == level)
        }
        #expect(try code.count(of: 3, rounding: .nearest, bits: bits) == 16)
        #expect(try code.count(of: -3, rounding: .nearest, bits: bits) == 0)
    }

    @Test("Rounding at random keeps the mean, rounding to the nearest count does not")
    func rounding() throws {
        let code = ThermometerCode(devices: 4)
        let bits = RandomBits(SeededSource(1))
        var raised = 0
        for _ in 0..<50_000 { raised += try code.count(of: 0.15, rounding: .random, bits: bits) - 2 }
        #expect(abs(zScore(successes: raised, trials: 50_000, probability: 0.3)) < zLimit)
        #expect(try code.count(of: 0.15, rounding: .nearest, bits: bits) == 2)
    }

    @Test("The share of the signal and the correlation are inverses", arguments: [1, 16, 64])
    func shares(devices: Int) {
        let code = ThermometerCode(devices: devices)
        for correlation in [0.001, 0.1, 0.5, 0.99] {
            let share = code.signalShare(correlation: correlation)
            #expect(abs(code.correlation(signalShare: share) - correlation) < 1e-12)
            let square = correlation * correlation
            #expect(abs(share - Double(devices) * square / (Double(devices) * square + 1 - square)) < 1e-12)
        }
    }

    @Test("Noisy images have the mean and the variance of the noise model", arguments: [-1.0, 0.5])
    func scale(level: Double) {
        let code = ThermometerCode()
        let (correlation, offset) = (0.4, 0.03)
        let law = countLaw(
            start: Int(code.exactCount(of: level)), devices: 16, correlation: correlation, offset: offset)
        let noisy = code.noisyImage((0...16).map { UInt16($0) }, correlation: correlation, offset: offset)
        let mean = zip(noisy, law).reduce(0) { $0 + Double($1.0) * $1.1 }
        let square = zip(noisy, law).reduce(0) { $0 + Double($1.0 * $1.0) * $1.1 }
        let share = code.signalShare(correlation: correlation)
        #expect(abs(mean - share.squareRoot() * level) < 1e-6)
        #expect(abs(square - mean * mean - (1 - share)) < 0.03)
    }
}
