// SPDX-License-Identifier: Apache-2.0

import Diffusion
import DiffusionTestSupport
import Foundation
import TestSupport
import Testing

/// A pixel whose start is one of a few counts, and its reverse chain as exact distributions.
struct ToyPixel {
    let devices: Int
    /// The probability of each count at the start.
    let starts: [Int: Double]

    /// The distribution of the count when the devices have this correlation with their start.
    func law(_ correlation: Double) -> [Double] {
        var law = [Double](repeating: 0, count: devices + 1)
        for (start, weight) in starts {
            for (count, probability) in countLaw(start: start, devices: devices, correlation: correlation).enumerated()
            {
                law[count] += weight * probability
            }
        }
        return law
    }

    /// The mean start of a pixel with so many devices up.
    func meanStart(_ count: Int, _ correlation: Double) -> Double {
        let weights = starts.map { start, weight in
            (Double(start), weight * countLaw(start: start, devices: devices, correlation: correlation)[count])
        }
        return weights.reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0) { $0 + $1.1 }
    }

    /// The distribution a step earlier, of the reverse chain that has this one now.
    func stepBack(_ law: [Double], from now: Double, to earlier: Double) -> [Double] {
        let step = ReverseStep(devices: devices, now: now, earlier: earlier)
        var result = [Double](repeating: 0, count: devices + 1)
        for (count, probability) in law.enumerated() {
            let chances = step.chances(up: Double(count), cleanUp: meanStart(count, now))
            let next = sumLaw(
                binomialLaw(trials: count, probability: chances.stay),
                binomialLaw(trials: devices - count, probability: chances.rise))
            for (count, share) in next.enumerated() { result[count] += probability * share }
        }
        return result
    }

    /// The largest distance in total variation between the reverse chain and the process, over the steps.
    func distance(_ correlations: [Double]) -> Double {
        var law = law(correlations[correlations.count - 1])
        var worst = 0.0
        for (earlier, now) in zip(correlations, correlations.dropFirst()).reversed() {
            law = stepBack(law, from: now, to: earlier)
            worst = max(worst, zip(law, self.law(earlier)).reduce(0) { $0 + abs($1.0 - $1.1) } / 2)
        }
        return worst
    }
}

@Suite("The reverse step: the reverse chain has the distributions of the process")
struct ReverseStepTests {
    private func correlations(_ steps: Int, devices: Int) throws -> [Double] {
        try DiffusionSchedule(
            .cosine, steps: steps, code: ThermometerCode(devices: devices), curve: FlipCurve(flipProbability: 0.001)
        ).steps.map(\.correlation)
    }

    @Test("Is exact for a single device, in long steps too", arguments: [8, 50])
    func oneDevice(steps: Int) throws {
        let pixel = ToyPixel(devices: 1, starts: [0: 0.3, 1: 0.7])
        #expect(try pixel.distance(correlations(steps, devices: 1)) < 1e-9)
    }

    @Test("Is exact for pixels whose devices all began alike", arguments: [0, 16])
    func uniformStart(start: Int) throws {
        let pixel = ToyPixel(devices: 16, starts: [start: 1])
        #expect(try pixel.distance(correlations(8, devices: 16)) < 1e-9)
    }

    @Test(
        "Comes closer with the number of steps for a pixel whose start is certain, at the finest step too",
        arguments: [4, 8, 13])
    func certainStart(start: Int) throws {
        let pixel = ToyPixel(devices: 16, starts: [start: 1])
        let distances = try [25, 100, 400].map { try pixel.distance(correlations($0, devices: 16)) }
        #expect(distances[0] < 0.4 && distances[2] < 0.55 * distances[0], "\(distances)")
        #expect(zip(distances, distances.dropFirst()).allSatisfy { $0 > $1 }, "\(distances)")
    }

    /// A mean start does not say how the devices that are up divide into those that were up at the start and the others,
    /// when the starts differ much.
    @Test("Is a rougher approximation for a pixel of very different starts")
    func mixture() throws {
        let pixel = ToyPixel(devices: 16, starts: [2: 0.5, 9: 0.2, 16: 0.3])
        #expect((0.01...0.2).contains(try pixel.distance(correlations(100, devices: 16))))
    }

    @Test("Control: a step of other pulses is not exact")
    func wrongStep() throws {
        let pixel = ToyPixel(devices: 1, starts: [0: 0.3, 1: 0.7])
        let law = pixel.stepBack(pixel.law(0.2), from: 0.25, to: 0.5)
        #expect(zip(law, pixel.law(0.5)).reduce(0) { $0 + abs($1.0 - $1.1) } / 2 > 0.003)
    }

    @Test("The chances are probabilities, for all counts and any clean image")
    func range() {
        for (now, earlier) in [(0.0025, 0.01), (0.1, 0.9), (0.9, 0.98), (0.98, 1)] {
            let step = ReverseStep(devices: 16, now: now, earlier: earlier)
            for up in 0...16 {
                for clean in stride(from: 0.0, through: 16, by: 0.25) {
                    let chances = step.chances(up: Double(up), cleanUp: clean)
                    #expect((-1e-12...1 + 1e-9).contains(chances.stay) && (-1e-12...1 + 1e-9).contains(chances.rise))
                }
            }
        }
    }
}

@Suite("Samplers on distributions whose mean clean image is known exactly")
struct SamplerTests {
    static let shape = ImageShape(height: 1, width: 1)
    static let members = [
        ExactDenoiser.Member([-1], weight: 0.3, label: 0), ExactDenoiser.Member([1], weight: 0.7, label: 1),
    ]

    private func schedule(_ steps: Int, devices: Int) throws -> DiffusionSchedule {
        try DiffusionSchedule(
            .cosine, steps: steps, code: ThermometerCode(devices: devices), curve: FlipCurve(flipProbability: 0.01))
    }

    /// How far the counts of each step are from the distribution of the process: the worst chi-square.
    private func deviation(bias: Float) throws -> Double {
        let code = ThermometerCode(devices: 1)
        let schedule = try schedule(20, devices: 1)
        let denoiser = ExactDenoiser(Self.members, shape: Self.shape, noise: .devices(code), bias: bias)
        let sampler = EhrenfestSampler(
            denoiser: denoiser, schedule: schedule, guidance: 0, bits: RandomBits(SeededSource(1)))
        let images = try sampler.sample(labels: Array(repeating: nil, count: 40_000)) { _, _ in true }
        #expect(images.count == 40_000 && denoiser.seen.count == sampler.stepCount)
        let pixel = ToyPixel(devices: 1, starts: [0: 0.3, 1: 0.7])
        return zip(denoiser.seen, schedule.steps.reversed()).map { seen, step in
            var counts = [0, 0]
            for value in seen.noisy { counts[ExactDenoiser.count(value, code, step.correlation)] += 1 }
            return chiSquareZ(counts, law: pixel.law(step.correlation))
        }.max() ?? 0
    }

    @Test("The reverse sampler has the distributions of the process at every step; a biased denoiser has not")
    func ehrenfest() throws {
        #expect(try deviation(bias: 0) < zLimit)
        #expect(try deviation(bias: 0.1) > zLimit)
    }

    private func sampler(
        _ kind: String, _ denoiser: ExactDenoiser, _ schedule: DiffusionSchedule, guidance: Double = 0
    ) throws -> any ImageSampler {
        let bits = RandomBits(SeededSource(2))
        switch kind {
        case "ddpm":
            return GaussianSampler(.ddpm, denoiser: denoiser, schedule: schedule, guidance: guidance, bits: bits)
        case "ddim":
            return GaussianSampler(.ddim, denoiser: denoiser, schedule: schedule, guidance: guidance, bits: bits)
        case "reverse":
            return EhrenfestSampler(denoiser: denoiser, schedule: schedule, guidance: guidance, bits: bits)
        default:
            let array = SoftwareArray(
                devices: SoftwareArray.devices(
                    256, flipProbability: 0.01, logarithmSpread: 0.2, asymmetrySpread: 0.05), seed: 3)
            let calibration = try ProcessCalibration.measure(array, .init(mostPulses: 400, loads: 32))
            return try ArraySampler(
                array: array, calibration: calibration, denoiser: denoiser, schedule: schedule, guidance: guidance,
                bits: bits)
        }
    }

    private func noise(_ kind: String, _ code: ThermometerCode) -> ExactDenoiser.Noise {
        kind.hasPrefix("dd") ? .gaussian : .devices(code)
    }

    @Test("Makes the images of the distribution, each as often as it should", arguments: ["reverse", "ddpm", "ddim"])
    func shares(kind: String) throws {
        let schedule = try schedule(100, devices: 16)
        let members = [
            ExactDenoiser.Member([-0.5], weight: 0.3), ExactDenoiser.Member([0.75], weight: 0.7),
        ]
        let denoiser = ExactDenoiser(members, shape: Self.shape, noise: noise(kind, schedule.code))
        let images = try sampler(kind, denoiser, schedule).sample(
            labels: Array(repeating: nil, count: 10_000)
        ) { _, _ in true }
        let (low, high) = (images.count { abs($0 + 0.5) < 0.02 }, images.count { abs($0 - 0.75) < 0.02 })
        #expect(low + high > 9_950)
        // The steps are finite, so that the share is not exact; without the right noise it would be far off.
        #expect(abs(Double(low) / 10_000 - 0.3) < 0.03)
    }

    @Test("Noise of DDPM has the variance of the process at every step")
    func gaussianVariance() throws {
        let schedule = try schedule(50, devices: 16)
        let denoiser = ExactDenoiser(Self.members, shape: Self.shape, noise: .gaussian)
        _ = try sampler("ddpm", denoiser, schedule).sample(labels: Array(repeating: 1, count: 20_000)) { _, _ in true }
        for seen in denoiser.seen {
            let mean = seen.noisy.reduce(0) { $0 + Double($1) } / 20_000
            let square = seen.noisy.reduce(0) { $0 + Double($1 * $1) } / 20_000
            let share = seen.signalShare
            // The first images know nothing of the label.
            let missing = schedule.steps.last?.signalShare.squareRoot() ?? 0
            #expect(abs(mean - share.squareRoot()) < zLimit * ((1 - share) / 20_000).squareRoot() + missing)
            #expect(abs((square - mean * mean) / (1 - share) - 1) < zLimit * (2.0 / 20_000).squareRoot())
        }
    }

    @Test("Makes what the label says", arguments: ["reverse", "ddpm", "ddim", "in-array"])
    func labels(kind: String) throws {
        let shape = ImageShape(height: 2, width: 2)
        let schedule = try schedule(25, devices: 16)
        let members = [
            ExactDenoiser.Member([-1, 1, 1, -1], label: 0), ExactDenoiser.Member([1, -1, -1, 1], label: 1),
            ExactDenoiser.Member([0.5, 0.5, -0.5, -0.5], label: 1),
        ]
        let denoiser = ExactDenoiser(members, shape: shape, noise: noise(kind, schedule.code))
        let labels = (0..<20).map { $0 % 2 }
        var steps: [Int] = []
        let images = try sampler(kind, denoiser, schedule, guidance: 0.5).sample(labels: labels) { done, total in
            steps.append(done)
            return total == schedule.steps.count
        }
        #expect(steps == Array(1...schedule.steps.count))
        for (index, label) in labels.enumerated() {
            let image = Array(images[4 * index..<4 * index + 4])
            let candidates = members.filter { $0.label == label }.map(\.image)
            #expect(candidates.contains { zip($0, image).allSatisfy { abs($0 - $1) < 0.15 } }, "\(label): \(image)")
        }
    }

    @Test("The array itself makes each image as often as it should, with few pulses")
    func inArray() throws {
        let schedule = try schedule(50, devices: 16)
        let members = [ExactDenoiser.Member([-0.5], weight: 0.3), ExactDenoiser.Member([0.75], weight: 0.7)]
        let denoiser = ExactDenoiser(members, shape: Self.shape, noise: .devices(schedule.code))
        let sampler = try #require(try sampler("in-array", denoiser, schedule) as? ArraySampler)
        let images = try sampler.sample(labels: Array(repeating: nil, count: 1_600)) { _, _ in true }
        let (low, high) = (images.count { abs($0 + 0.5) < 0.05 }, images.count { abs($0 - 0.75) < 0.05 })
        #expect(low + high > 1_580)
        #expect(abs(Double(low) / 1_600 - 0.3) < 0.06)
        // A hundred loads, of which each takes one to two thousand pulses.
        #expect((50_000...400_000).contains(sampler.pulses), "\(sampler.pulses)")
    }

    @Test("Guidance goes away from what the model says without a label, and is clamped")
    func guidance() throws {
        let schedule = try schedule(25, devices: 16)
        let denoiser = ExactDenoiser(
            [.init([-0.5], label: 0), .init([0.4], label: 1)], shape: Self.shape, noise: .gaussian)
        let sampler = GaussianSampler(
            .ddim, denoiser: denoiser, schedule: schedule, guidance: 3, bits: RandomBits(SeededSource(1)))
        let images = try sampler.sample(labels: [0, 1]) { _, _ in true }
        #expect(denoiser.seen.count == 2 * schedule.steps.count)
        #expect(images.allSatisfy { abs($0) <= 1 })
    }

    @Test("Stops when the caller wants no more, the bits end, or the model fails")
    func ends() throws {
        let schedule = try schedule(25, devices: 16)
        let denoiser = ExactDenoiser(Self.members, shape: Self.shape, noise: .gaussian)
        let sampler = EhrenfestSampler(denoiser: denoiser, schedule: schedule, bits: RandomBits(SeededSource(1)))
        #expect(throws: DiffusionError.self) { try sampler.sample(labels: [nil]) { done, _ in done < 3 } }
        #expect(denoiser.seen.count == 3)
        let empty = EhrenfestSampler(denoiser: denoiser, schedule: schedule, bits: RandomBits(EmptySource()))
        #expect(throws: DiffusionError.self) { try empty.sample(labels: [nil]) { _, _ in true } }
        let failing = EhrenfestSampler(
            denoiser: FailingDenoiser(), schedule: schedule, bits: RandomBits(SeededSource(1)))
        #expect {
            try failing.sample(labels: [nil]) { _, _ in true }
        } throws: { error in
            if case .denoiser(is FailingDenoiser.Failure)? = error as? DiffusionError { true } else { false }
        }
    }
}

private final class FailingDenoiser: Denoiser {
    struct Failure: Error {}

    let shape = ImageShape(height: 1, width: 1)
    let labelCount = 10

    func predict(noisy: [Float], signalShare: Double, labels: [Int?], into cleanImages: inout [Float]) throws {
        throw Failure()
    }
}
