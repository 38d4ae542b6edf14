// SPDX-License-Identifier: Apache-2.0

import CKernelSupport
import CSimulationKernels

/// Level 1 of the model: a shot as the motion of one magnetisation vector.
///
/// dm/dt = −γ/(1+α²)·[m×(B+b) + α·m×(m×(B+b))] with B = (Bx, 0, Bz + Bk(V)·mz) and a thermal field
/// b of variance 2αkT/(γ·Ms·Vol·dt) in each component and step; Stratonovich-Heun in steps of 2 ps.
/// A shot settles for 3 ns without voltage, is pulsed, relaxes for 6 ns, and reads the sign of mz.
package struct Macrospin: Sendable {
    /// As it is at `temperatureKelvin`.
    private(set) var device: DeviceParameters
    let biasFieldMicrotesla: Double
    /// Field along the easy axis; upwards favours `DeviceState.up`.
    let easyAxisFieldMicrotesla: Double
    let temperatureKelvin: Double
    /// Whether a shot settles until nothing is left of its start; otherwise for 3 ns with the device's own damping.
    ///
    /// A shot starts along ±z, 0.17 rad from where the bias field leaves the magnetisation. After 3 ns a fifth of that
    /// still precesses, which moves rare switching by a factor. Between the shots of an array there is a microsecond.
    let settlesCompletely: Bool

    package static let stepPicoseconds = 2.0
    package static let settlingPicoseconds = 3000.0
    package static let relaxationPicoseconds = 6000.0
    static let completeSettlingDamping = 0.3

    /// - Parameter device: with its quantities at 300 K.
    package init(
        device: DeviceParameters, biasFieldMicrotesla: Double, easyAxisFieldMicrotesla: Double,
        temperatureKelvin: Double, settlesCompletely: Bool = false
    ) {
        self.settlesCompletely = settlesCompletely
        self.device = device.at(temperatureKelvin: temperatureKelvin)
        self.biasFieldMicrotesla = biasFieldMicrotesla
        self.easyAxisFieldMicrotesla = easyAxisFieldMicrotesla
        self.temperatureKelvin = temperatureKelvin
    }

    /// The share of shots that end in the other state, for each width of pulse.
    ///
    /// All widths branch off the same pulses, so that their shares are not independent. Runs on the
    /// caller's thread: about 2 ns for each step of each shot.
    ///
    /// - Parameters:
    ///   - widths: in ps, rising.
    ///   - shots: rounded up to a multiple of 16.
    package func switchingProbabilities(
        amplitudeMillivolts: Double, widths: [Double], from start: DeviceState, shots: Int,
        seed: UInt64
    ) -> [Double] {
        var batch = MacrospinBatch(shots: shots, start: start, seed: seed)
        batch.advance(settling, volts: 0, picoseconds: Self.settlingPicoseconds)
        var reached = 0.0
        return widths.map { width in
            precondition(width >= reached)
            batch.advance(self, volts: amplitudeMillivolts / 1000, picoseconds: width - reached)
            reached = width
            let share = batch.shareUpAfterRelaxation(self)
            return start == .down ? share : 1 - share
        }
    }

    /// As it is before the pulse. Equilibrium does not depend on damping, and with 0.3 at least it is soon reached: 3 ns
    /// leave e⁻¹⁰ of the start, or less.
    private var settling: Macrospin {
        var spin = self
        spin.device.damping = settlingDamping
        return spin
    }

    var settlingDamping: Double {
        settlesCompletely ? max(Self.completeSettlingDamping, device.damping) : device.damping
    }

    /// How far below the ridge between the states, in kT, a trajectory is taken as decided. It would
    /// come back within the relaxation in less than one of 1,000 shots (e⁻¹⁰ a try).
    private static let decidedBarrier = 10.0

    /// The gain in energy per moment, in T, at which a trajectory is decided.
    var decidedField: Double {
        Self.decidedBarrier * Constants.boltzmann * temperatureKelvin / device.moment
    }

    /// What a step of `picoseconds` does at `volts`, in the kernel's terms.
    func step(volts: Double, picoseconds: Double) -> ck_macrospin_step {
        let damping = device.damping
        let seconds = picoseconds * 1e-12
        let angle = Constants.gyromagneticRatio * seconds / (1 + damping * damping)
        let variance =
            2 * damping * Constants.boltzmann * temperatureKelvin
            / (Constants.gyromagneticRatio * device.moment * seconds)
        return ck_macrospin_step(
            bias: Float(angle * biasFieldMicrotesla * 1e-6),
            easy_axis: Float(angle * easyAxisFieldMicrotesla * 1e-6),
            anisotropy: Float(angle * device.anisotropyField(volts: volts)),
            noise: Float(angle * variance.squareRoot()), damping: Float(damping))
    }
}

/// Trajectories, and the generator of their thermal fields.
struct MacrospinBatch {
    private var generator = ck_generator()
    /// Groups of 16 unit vectors, as the kernel wants them.
    private var spins: [Float]
    private let count: Int

    private static let side = Int(CK_MACROSPINS)

    init(shots: Int, start: DeviceState, seed: UInt64) {
        let groups = (shots + Self.side - 1) / Self.side
        count = groups * Self.side
        let z: Float = start == .up ? 1 : -1
        let plane = [Float](repeating: 0, count: 2 * Self.side)
        let group = plane + Array(repeating: z, count: Self.side)
        spins = Array((0..<groups).map { _ in group }.joined())
        var random = SplitMix64(seed: seed)
        withUnsafeMutableBytes(of: &generator) { bytes in
            for index in bytes.bindMemory(to: UInt64.self).indices {
                bytes.storeBytes(of: random.next(), toByteOffset: 8 * index, as: UInt64.self)
            }
        }
    }

    /// Advances all by a time, in whole steps of at most 2 ps.
    mutating func advance(_ spin: Macrospin, volts: Double, picoseconds: Double) {
        guard picoseconds > 0 else { return }
        // A width in hundredths of ps is not made a step longer by how it is rounded.
        let steps = (picoseconds / Macrospin.stepPicoseconds - 1e-6).rounded(.up)
        var step = spin.step(volts: volts, picoseconds: picoseconds / steps)
        spins.withUnsafeMutableBufferPointer { spins in
            ck_advance_macrospins(
                ck_features_here(), &generator, &step, spins.baseAddress, count / Self.side,
                Int(steps))
        }
    }

    /// The share that are up once relaxed; the trajectories stay where they are.
    ///
    /// A trajectory that is deep in one of the wells is counted and left out of what follows: the
    /// energy per moment is −(Bx·mx + Bz·mz + Bk·mz²/2), and where mz changes its sign it is −Bx or
    /// more.
    mutating func shareUpAfterRelaxation(_ spin: Macrospin) -> Double {
        var relaxing = spins
        var left = count
        var up = 0
        let pieces = 12.0
        let steps = (Macrospin.relaxationPicoseconds / pieces / Macrospin.stepPicoseconds).rounded()
        var step = spin.step(volts: 0, picoseconds: Macrospin.stepPicoseconds)
        let wells = MacrospinWells(spin)
        for _ in 0..<Int(pieces) {
            relaxing.withUnsafeMutableBufferPointer { spins in
                ck_advance_macrospins(
                    ck_features_here(), &generator, &step, spins.baseAddress,
                    (left + Self.side - 1) / Self.side, Int(steps))
                up += wells.takeDecided(from: spins, count: &left)
            }
        }
        up += (0..<left).count { relaxing[MacrospinWells.place($0) + 2 * Self.side] > 0 }
        return Double(up) / Double(count)
    }
}

/// The two wells of the energy of a macrospin without voltage.
private struct MacrospinWells {
    private let bias: Float
    private let easyAxis: Float
    private let halfAnisotropy: Float
    private let decided: Float

    init(_ spin: Macrospin) {
        bias = Float(spin.biasFieldMicrotesla * 1e-6)
        easyAxis = Float(spin.easyAxisFieldMicrotesla * 1e-6)
        halfAnisotropy = Float(spin.device.anisotropyField(volts: 0) / 2)
        decided = Float(spin.decidedField)
    }

    /// Where x of a trajectory is; y and z follow at distances of a group.
    static func place(_ index: Int) -> Int {
        let (group, lane) = index.quotientAndRemainder(dividingBy: Int(CK_MACROSPINS))
        return group * Int(CK_MACROSPIN_FLOATS) + lane
    }

    /// Moves the first `count` trajectories together but for those that are decided, and returns how
    /// many of these are up.
    func takeDecided(from spins: UnsafeMutableBufferPointer<Float>, count: inout Int) -> Int {
        let side = Int(CK_MACROSPINS)
        var kept = 0
        var up = 0
        for index in 0..<count {
            let from = Self.place(index)
            let (x, y, z) = (spins[from], spins[from + side], spins[from + 2 * side])
            if bias * (x - 1) + z * (easyAxis + halfAnisotropy * z) > decided {
                up += z > 0 ? 1 : 0
                continue
            }
            let to = Self.place(kept)
            (spins[to], spins[to + side], spins[to + 2 * side]) = (x, y, z)
            kept += 1
        }
        count = kept
        return up
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): numbers that a model starts from, the same for the same
/// seed. Never a source of entropy.
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
