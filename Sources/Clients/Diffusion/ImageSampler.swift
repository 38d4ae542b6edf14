// SPDX-License-Identifier: Apache-2.0

/// A way to make images from noise with a denoiser. For one thread at a time.
public protocol ImageSampler: AnyObject {
    /// The number of steps, in each of which the denoiser is asked.
    var stepCount: Int { get }

    /// Makes images.
    ///
    /// - Parameters:
    ///   - labels: what each image is to show; nil for anything.
    ///   - progress: is called after each step.
    /// - Returns: the images one after another, row-major, with levels from −1 to 1.
    func sample(labels: [Int?], progress: ProgressHandler) throws(DiffusionError) -> [Float]
}

/// The reverse of the array's own process, with coins for pulses: the main sampler.
///
/// It begins with devices that remember nothing and goes back step by step, flipping devices with the chances that follow
/// from the predicted clean image (`ReverseStep`).
public final class EhrenfestSampler: ImageSampler {
    private let denoiser: GuidedDenoiser
    private let schedule: DiffusionSchedule
    private let bits: RandomBits

    /// The number of steps of the schedule.
    public var stepCount: Int { schedule.steps.count }

    /// A sampler of images of the denoiser's shape.
    ///
    /// - Parameters:
    ///   - denoiser: used by nothing else meanwhile.
    ///   - schedule: its steps, last to first.
    ///   - guidance: how much the label is exaggerated; 0 for none.
    ///   - bits: for the coins.
    public init(denoiser: any Denoiser, schedule: DiffusionSchedule, guidance: Double = 0.5, bits: RandomBits) {
        self.denoiser = GuidedDenoiser(denoiser: denoiser, guidance: guidance)
        self.schedule = schedule
        self.bits = bits
    }

    /// Makes images.
    public func sample(labels: [Int?], progress: ProgressHandler) throws(DiffusionError) -> [Float] {
        let pixels = labels.count * denoiser.denoiser.shape.pixels
        var counts: [UInt16] = []
        counts.reserveCapacity(pixels)
        for _ in 0..<pixels {
            counts.append(UInt16(try bits.binomial(trials: schedule.code.devices, probability: 0.5)))
        }
        var clean: [Float] = []
        for index in schedule.steps.indices.reversed() {
            clean = try predict(counts, at: index, labels)
            if index > 0 { try stepBack(&counts, from: index, clean) }
            guard progress(schedule.steps.count - index, schedule.steps.count) else { throw .interrupted }
        }
        return clean
    }

    func predict(_ counts: [UInt16], at index: Int, _ labels: [Int?]) throws(DiffusionError) -> [Float] {
        let step = schedule.steps[index]
        return try denoiser.predict(
            schedule.code.noisyImage(counts, correlation: step.correlation), signalShare: step.signalShare,
            labels: labels)
    }

    /// Goes from a step to the one before it.
    func stepBack(_ counts: inout [UInt16], from index: Int, _ clean: [Float]) throws(DiffusionError) {
        let devices = schedule.code.devices
        let step = ReverseStep(
            devices: devices, now: schedule.steps[index].correlation,
            earlier: schedule.steps[index - 1].correlation)
        for pixel in counts.indices {
            let up = Int(counts[pixel])
            let chances = step.chances(up: Double(up), cleanUp: schedule.code.exactCount(of: Double(clean[pixel])))
            let kept = try bits.binomial(trials: up, probability: chances.stay)
            let risen = try bits.binomial(trials: devices - up, probability: chances.rise)
            counts[pixel] = UInt16(kept + risen)
        }
    }
}

/// The usual samplers, with normal noise, for comparison.
public final class GaussianSampler: ImageSampler {
    /// How noise goes in.
    public enum Method: Sendable {
        /// Ancestral sampling (Ho et al. 2020): new noise at each step.
        case ddpm
        /// Deterministic sampling (Song et al. 2021, η = 0): noise at the start only.
        case ddim
    }

    private let denoiser: GuidedDenoiser
    private let schedule: DiffusionSchedule
    private let method: Method
    private let bits: RandomBits

    /// The number of steps of the schedule.
    public var stepCount: Int { schedule.steps.count }

    /// A sampler of images of the denoiser's shape.
    ///
    /// - Parameters:
    ///   - method: how noise goes in.
    ///   - denoiser: used by nothing else meanwhile.
    ///   - schedule: its signal shares, last to first.
    ///   - guidance: how much the label is exaggerated; 0 for none.
    ///   - bits: for the noise.
    public init(
        _ method: Method, denoiser: any Denoiser, schedule: DiffusionSchedule, guidance: Double = 0.5, bits: RandomBits
    ) {
        self.denoiser = GuidedDenoiser(denoiser: denoiser, guidance: guidance)
        self.schedule = schedule
        self.method = method
        self.bits = bits
    }

    /// Makes images.
    public func sample(labels: [Int?], progress: ProgressHandler) throws(DiffusionError) -> [Float] {
        let pixels = labels.count * denoiser.denoiser.shape.pixels
        var image = [Float](repeating: 0, count: pixels)
        try bits.fillNormal(&image)
        var noise = image
        var clean: [Float] = []
        for index in schedule.steps.indices.reversed() {
            let now = schedule.steps[index].signalShare
            clean = try denoiser.predict(image, signalShare: now, labels: labels)
            if index > 0 {
                let earlier = schedule.steps[index - 1].signalShare
                let weights = Weights(method, now: now, earlier: earlier)
                if weights.noise > 0 { try bits.fillNormal(&noise) }
                for pixel in image.indices {
                    image[pixel] =
                        weights.clean * clean[pixel] + weights.noisy * image[pixel] + weights.noise * noise[pixel]
                }
            }
            guard progress(schedule.steps.count - index, schedule.steps.count) else { throw .interrupted }
        }
        return clean
    }

    /// What the image of the earlier step is the sum of.
    private struct Weights {
        let clean, noisy, noise: Float

        init(_ method: Method, now: Double, earlier: Double) {
            switch method {
            case .ddpm:
                let kept = now / earlier
                let share = (1 - earlier) / (1 - now)
                clean = Float(earlier.squareRoot() * (1 - kept) / (1 - now))
                noisy = Float(kept.squareRoot() * share)
                noise = Float((share * (1 - kept)).squareRoot())
            case .ddim:
                let ratio = ((1 - earlier) / (1 - now)).squareRoot()
                clean = Float(earlier.squareRoot() - now.squareRoot() * ratio)
                noisy = Float(ratio)
                noise = 0
            }
        }
    }
}
