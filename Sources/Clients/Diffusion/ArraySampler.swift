// SPDX-License-Identifier: Apache-2.0

/// The reverse of the array's process, in the array itself: pulses under masks flip the devices.
///
/// At each step the states are read, the clean image is predicted, and each device gets as many pulses as flip it with the
/// chance that follows. The numbers of pulses are sent as binary digits: for each digit, a mask and a PULSE. A chance
/// between those of two numbers of pulses is met on average, by choosing one of the two at random; one above ½ by
/// writing the other state first. Devices change places at every step.
///
/// For a few images, to show it: a step takes as many pulses as the device that gets the most.
public final class ArraySampler: ImageSampler {
    private let process: ForwardProcess
    private let calibration: ProcessCalibration
    private let denoiser: GuidedDenoiser
    private let schedule: DiffusionSchedule
    private let bits: RandomBits

    /// The number of pulses that the array has got.
    public private(set) var pulses = 0

    /// The number of steps of the schedule.
    public var stepCount: Int { schedule.steps.count }

    /// A sampler of images of the denoiser's shape.
    ///
    /// - Parameters:
    ///   - array: nothing else uses it meanwhile.
    ///   - calibration: of the array at its present point, without chopping.
    ///   - denoiser: used by nothing else meanwhile.
    ///   - schedule: of the calibration's curve.
    ///   - guidance: how much the label is exaggerated; 0 for none.
    ///   - bits: for permutations, and for the choice between two numbers of pulses.
    public init(
        array: any DeviceArray, calibration: ProcessCalibration, denoiser: any Denoiser, schedule: DiffusionSchedule,
        guidance: Double = 0.5, bits: RandomBits
    ) throws(DiffusionError) {
        process = try ForwardProcess(
            array: array, code: schedule.code, leavingOut: calibration.leftOut, bits: bits)
        self.calibration = calibration
        self.denoiser = GuidedDenoiser(denoiser: denoiser, guidance: guidance)
        self.schedule = schedule
        self.bits = bits
    }

    /// Makes images.
    public func sample(labels: [Int?], progress: ProgressHandler) throws(DiffusionError) -> [Float] {
        let devices = labels.count * denoiser.denoiser.shape.pixels * schedule.code.devices
        // Half of the devices up, and pulses until that is forgotten.
        let last = schedule.steps[schedule.steps.count - 1]
        var states = (0..<devices).map { $0.isMultiple(of: 2) }
        let forgetting = [Int](repeating: last.pulses, count: devices)
        try apply(forgetting, inverting: [Bool](repeating: false, count: devices), to: &states)
        var clean: [Float] = []
        for index in schedule.steps.indices.reversed() {
            let step = schedule.steps[index]
            let counts = counts(of: states)
            clean = try denoiser.predict(
                schedule.code.noisyImage(counts, correlation: step.correlation), signalShare: step.signalShare,
                labels: labels)
            if index > 0 { try stepBack(&states, counts, from: index, clean) }
            guard progress(schedule.steps.count - index, schedule.steps.count) else { throw .interrupted }
        }
        return clean
    }

    /// The numbers of devices of each pixel that are up.
    private func counts(of states: [Bool]) -> [UInt16] {
        var counts = [UInt16](repeating: 0, count: states.count / schedule.code.devices)
        for (device, isUp) in states.enumerated() where isUp { counts[device / schedule.code.devices] += 1 }
        return counts
    }

    private func stepBack(
        _ states: inout [Bool], _ counts: [UInt16], from index: Int, _ clean: [Float]
    ) throws(DiffusionError) {
        let step = ReverseStep(
            devices: schedule.code.devices, now: schedule.steps[index].correlation,
            earlier: schedule.steps[index - 1].correlation)
        let chances = counts.indices.map { pixel in
            step.chances(
                up: Double(counts[pixel]), cleanUp: schedule.code.exactCount(of: Double(clean[pixel])))
        }
        var pulses = [Int](repeating: 0, count: states.count)
        var inverted = [Bool](repeating: false, count: states.count)
        for device in states.indices {
            let ofPixel = chances[device / schedule.code.devices]
            let flip = states[device] ? 1 - ofPixel.stay : ofPixel.rise
            inverted[device] = flip > 0.5
            pulses[device] = try self.pulses(flipping: min(flip, 1 - flip))
        }
        try apply(pulses, inverting: inverted, to: &states)
    }

    /// A number of pulses after which a device has flipped with this probability, on average over calls.
    ///
    /// - Parameter probability: from 0 to ½; what the array does not reach is taken as the most that it does.
    private func pulses(flipping probability: Double) throws(DiffusionError) -> Int {
        let curve = calibration.curve
        let exact = curve.pulses(correlation: max(1 - 2 * probability, curve.smallestCorrelation))
        let fewer = exact.rounded(.down)
        func flips(_ pulses: Double) -> Double { (1 - curve.correlation(after: pulses)) / 2 }
        let (low, high) = (flips(fewer), flips(fewer + 1))
        guard high > low else { return Int(fewer) }
        return Int(fewer) + (try bits.coin((probability - low) / (high - low)) ? 1 : 0)
    }

    /// Writes the devices, pulses each as often as it is to be, and reads them.
    private func apply(
        _ pulses: [Int], inverting inverted: [Bool], to states: inout [Bool]
    ) throws(DiffusionError) {
        let devicesPerPixel = schedule.code.devices
        for load in 0..<process.loads(pixels: states.count / devicesPerPixel) {
            let devices = process.devices(ofLoad: load, pixels: states.count / devicesPerPixel)
            let places = try process.places(for: devices.count)
            do {
                try apply(pulses, inverted, to: &states, devices, at: places)
            } catch {
                throw .array(error)
            }
        }
    }

    private func apply(
        _ pulses: [Int], _ inverted: [Bool], to states: inout [Bool], _ devices: Range<Int>, at places: [Int]
    ) throws(ArrayError) {
        let array = process.array
        var written = LaneBits(repeating: false, count: array.laneCount)
        for (device, lane) in zip(devices, places) where states[device] != inverted[device] { written[lane] = true }
        try array.write(written)
        let most = devices.lazy.map { pulses[$0] }.max() ?? 0
        for digit in 0..<Int.bitWidth - most.leadingZeroBitCount {
            var mask = LaneBits(repeating: true, count: array.laneCount)
            for (device, lane) in zip(devices, places) where pulses[device] >> digit & 1 == 1 { mask[lane] = false }
            guard mask.ones < array.laneCount else { continue }
            try array.pulse(1 << digit, leaving: mask)
            self.pulses += 1 << digit
        }
        let read = try array.read()
        for (device, lane) in zip(devices, places) { states[device] = read[lane] }
    }
}
