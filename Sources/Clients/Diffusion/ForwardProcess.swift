// SPDX-License-Identifier: Apache-2.0

/// Whether a long operation goes on.
///
/// It is called with the work that is done and the work there is, and returns false to end the operation, which then throws
/// `DiffusionError.interrupted`.
public typealias ProgressHandler = (_ done: Int, _ total: Int) -> Bool

/// Images that dissolve in an array: the forward diffusion process.
///
/// Each pixel is written into devices by a `ThermometerCode`. Pulses flip them, and readings along the way are the
/// noisy images of the process. The devices of a load lie on the array in a random permutation that is new for each load,
/// so that what differs between devices averages out: each pixel sees the mean device. For one thread at a time.
///
/// An image that needs more devices than there are is divided between loads; many small images share one.
public final class ForwardProcess {
    /// How the devices of a load lie on the array.
    package enum Placement {
        /// As a new random permutation for each load.
        case permuted
        /// In the same order in each load: what is wrong with a device is always wrong with the same pixel.
        case fixed
    }

    /// The array.
    public let array: any DeviceArray
    /// The code of the pixels.
    public let code: ThermometerCode
    /// What becomes of grey levels between two counts.
    public let rounding: ThermometerCode.Rounding
    /// The states of the devices are inverted after so many pulses, again and again, so that their preference for one
    /// state averages out; nil for never.
    public let chopping: Int?

    /// The lanes that hold pixels.
    let lanes: [Int]
    private let bits: RandomBits
    package var placement = Placement.permuted

    /// A process in an array.
    ///
    /// - Parameters:
    ///   - array: nothing else uses it meanwhile.
    ///   - code: of the pixels.
    ///   - leftOut: 1 for each lane that holds no pixels, as those that do not flip; nil for none.
    ///   - rounding: what becomes of grey levels between two counts.
    ///   - chopping: invert all devices after each so many pulses, 1 or more; nil for never.
    ///   - bits: for permutations and rounding.
    /// - Throws: `tooFewLanes` when every lane is left out.
    public init(
        array: any DeviceArray, code: ThermometerCode = ThermometerCode(), leavingOut leftOut: LaneBits? = nil,
        rounding: ThermometerCode.Rounding = .random, chopping: Int? = nil, bits: RandomBits
    ) throws(DiffusionError) {
        precondition(chopping.map { $0 > 0 } ?? true)
        precondition(leftOut.map { $0.count == array.laneCount } ?? true)
        self.array = array
        self.code = code
        self.rounding = rounding
        self.chopping = chopping
        self.bits = bits
        lanes = (0..<array.laneCount).filter { !(leftOut?[$0] ?? false) }
        guard !lanes.isEmpty else { throw .tooFewLanes(usable: 0, of: array.laneCount) }
    }

    /// The number of loads that so many pixels take.
    public func loads(pixels: Int) -> Int { (pixels * code.devices + lanes.count - 1) / lanes.count }

    /// Lets images dissolve, and reads them along the way.
    ///
    /// - Parameters:
    ///   - levels: grey levels of the pixels of all images, from −1 to 1.
    ///   - readings: after how many pulses to read, rising, from 0.
    ///   - progress: is called after each load.
    /// - Returns: for each reading, the number of devices of each pixel that are up.
    public func trajectories(
        of levels: [Float], readAt readings: [Int], progress: ProgressHandler = { _, _ in true }
    ) throws(DiffusionError) -> [[UInt16]] {
        precondition(zip(readings, readings.dropFirst()).allSatisfy { $0 < $1 } && readings.first ?? 0 >= 0)
        let starts = try encoded(levels)
        var counts = Array(repeating: [UInt16](repeating: 0, count: levels.count), count: readings.count)
        let total = loads(pixels: levels.count)
        for load in 0..<total {
            let devices = devices(ofLoad: load, pixels: levels.count)
            let places = try places(for: devices.count)
            var states = LaneBits(repeating: false, count: array.laneCount)
            for (device, lane) in zip(devices, places)
            where device % code.devices < starts[device / code.devices] {
                states[lane] = true
            }
            for (reading, states) in try follow(states, readAt: readings).enumerated() {
                for (device, lane) in zip(devices, places) where states[lane] {
                    counts[reading][device / code.devices] += 1
                }
            }
            guard progress(load + 1, total) else { throw .interrupted }
        }
        return counts
    }

    /// The counts that are written for grey levels.
    private func encoded(_ levels: [Float]) throws(DiffusionError) -> [Int] {
        var counts: [Int] = []
        counts.reserveCapacity(levels.count)
        for level in levels {
            counts.append(try code.count(of: Double(level), rounding: rounding, bits: bits))
        }
        return counts
    }

    /// The devices of a load: device d is one of pixel d / K.
    func devices(ofLoad load: Int, pixels: Int) -> Range<Int> {
        load * lanes.count..<min((load + 1) * lanes.count, pixels * code.devices)
    }

    /// The lanes of the devices of a load.
    func places(for count: Int) throws(DiffusionError) -> [Int] {
        var places = lanes
        if placement == .permuted { try bits.shuffle(&places) }
        return Array(places[..<count])
    }

    /// Writes states, pulses, and reads along the way.
    private func follow(_ states: LaneBits, readAt readings: [Int]) throws(DiffusionError) -> [LaneBits] {
        do {
            var inversion = Inversion(array: array, chopping: chopping)
            try array.write(states)
            var read: [LaneBits] = []
            for reading in readings {
                try inversion.advance(to: reading)
                let states = try array.read()
                read.append(inversion.isInverted ? states.complement : states)
            }
            return read
        } catch {
            throw .array(error)
        }
    }
}

/// Pulses from a write on, with the devices inverted in between.
struct Inversion {
    let array: any DeviceArray
    let chopping: Int?
    private var done = 0
    /// Whether the devices hold the inverse of what was written.
    private(set) var isInverted = false

    init(array: any DeviceArray, chopping: Int?) {
        self.array = array
        self.chopping = chopping
    }

    /// Applies pulses until there have been so many.
    mutating func advance(to pulses: Int) throws(ArrayError) {
        while done < pulses {
            guard let chopping else {
                try array.pulse(pulses - done)
                done = pulses
                return
            }
            if done > 0, done.isMultiple(of: chopping) {
                try array.write(try array.read().complement)
                isInverted.toggle()
            }
            let next = min(pulses, (done / chopping + 1) * chopping)
            try array.pulse(next - done)
            done = next
        }
    }
}
