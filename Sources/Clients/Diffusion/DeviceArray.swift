// SPDX-License-Identifier: Apache-2.0

public import EntropyTerms

/// Devices that can be written, pulsed and read together: what the diffusion process needs of an array.
///
/// For one thread at a time. Lanes are numbered from 0. A pulse may flip a device; how likely it does depends on the
/// device, on the state that it is in, and on the array's operating point.
///
/// An implementation may send `write` and `pulse` ahead and report their errors from a later call, at the latest
/// from the next `read`. After an error the states of the devices are not known.
public protocol DeviceArray: AnyObject {
    /// The number of devices.
    var laneCount: Int { get }

    /// What the devices are.
    var origin: ArrayOrigin { get }

    /// Puts devices into states, without regard to the states that they are in.
    ///
    /// - Parameters:
    ///   - states: a bit for each lane.
    ///   - mask: 1 for a lane to leave alone; nil for none.
    func write(_ states: LaneBits, leaving mask: LaneBits?) throws(ArrayError)

    /// Applies pulses to devices.
    ///
    /// - Parameters:
    ///   - count: the number of pulses; 0 or more.
    ///   - mask: 1 for a lane to leave alone; nil for none.
    func pulse(_ count: Int, leaving mask: LaneBits?) throws(ArrayError)

    /// The states of all devices.
    func read() throws(ArrayError) -> LaneBits
}

extension DeviceArray {
    /// Puts all devices into states.
    public func write(_ states: LaneBits) throws(ArrayError) { try write(states, leaving: nil) }

    /// Applies pulses to all devices.
    public func pulse(_ count: Int) throws(ArrayError) { try pulse(count, leaving: nil) }
}

/// An array whose pulses can be set.
public protocol TunableArray: DeviceArray {
    /// The pulses in force.
    var point: PulsePoint { get }

    /// What pulses it takes.
    var limits: PulseLimits { get }

    /// The trims that a lane takes, in steps of the array's own; nil when it has none.
    var trimLimits: ClosedRange<Int>? { get }

    /// Sets the pulses of all lanes.
    func set(_ point: PulsePoint) throws(ArrayError)

    /// Sets the trim of each lane, within `trimLimits`.
    func setTrims(_ trims: [Int]) throws(ArrayError)
}

/// What the devices of an array are, for people and for the metadata of what is made with them.
public struct ArrayOrigin: Hashable, Sendable {
    /// The name of the board.
    public let board: String
    /// Whether they are devices or a model.
    public let provenance: Provenance
    /// The board's count of changes in the health of its lanes.
    public let healthEpoch: Int

    /// The origin of an array.
    public init(board: String, provenance: Provenance, healthEpoch: Int) {
        self.board = board
        self.provenance = provenance
        self.healthEpoch = healthEpoch
    }
}

/// The pulses of an array.
public struct PulsePoint: Hashable, Sendable {
    /// Amplitude in mV.
    public var amplitudeMillivolts: Double
    /// Width in ps.
    public var widthPicoseconds: Double
    /// In-plane bias field in µT.
    public var biasFieldMicrotesla: Double

    /// A point of these values.
    public init(amplitudeMillivolts: Double, widthPicoseconds: Double, biasFieldMicrotesla: Double) {
        self.amplitudeMillivolts = amplitudeMillivolts
        self.widthPicoseconds = widthPicoseconds
        self.biasFieldMicrotesla = biasFieldMicrotesla
    }
}

/// The limits of the pulses of an array.
public struct PulseLimits: Hashable, Sendable {
    /// Amplitudes in mV.
    public let amplitudeMillivolts: ClosedRange<Double>
    /// Widths in ps.
    public let widthPicoseconds: ClosedRange<Double>
    /// In-plane bias fields in µT.
    public let biasFieldMicrotesla: ClosedRange<Double>

    /// Limits of these values.
    public init(
        amplitudeMillivolts: ClosedRange<Double>, widthPicoseconds: ClosedRange<Double>,
        biasFieldMicrotesla: ClosedRange<Double>
    ) {
        self.amplitudeMillivolts = amplitudeMillivolts
        self.widthPicoseconds = widthPicoseconds
        self.biasFieldMicrotesla = biasFieldMicrotesla
    }
}
