// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyTerms
import Glibc
import LeaseProtocol
import LinuxPlatform

/// Lanes of a board that belong to this program for a time.
///
/// The lease is opened over the daemon's control socket; states and pulses travel over a socket of its own (MEL/1). The
/// daemon takes the lanes back when the lease is closed or released, when the program ends, and when no call has been
/// made for `seconds`: calls renew it by themselves.
///
/// For one thread at a time; calls may come from different threads. `write` and `pulse` do not wait: their errors are
/// thrown by a later call, at the latest by the next `read`. After an error other than `outOfRange` the lease is over, and
/// every call throws that error.
///
/// A forked child cannot use its parent's lease: calls throw `ofParentProcess`. As long as a child that calls nothing has
/// a copy of the socket, the lease ends only with its time.
///
/// ```swift
/// let lease = try ArrayLease(count: 512, allowsSimulated: true)
/// try lease.write(LaneBits(repeating: true, count: lease.laneCount))
/// try lease.pulse(100)
/// let states = try lease.read()
/// ```
public final class ArrayLease: TunableArray {
    /// The socket that METRNG_CONTROL of the environment names, otherwise where metrngd usually listens.
    public static var defaultPath: String {
        if let path = getenv("METRNG_CONTROL"), path.pointee != 0 { return String(cString: path) }
        return "/run/metrng/control.sock"
    }

    /// The most pulses of one command.
    private static let pulseLimit = 65_536

    /// What the devices are.
    public let origin: ArrayOrigin
    /// The numbers of the lanes on the board, in the order in which they are numbered here.
    public let lanes: [Int]
    /// Whether the other lanes of the board give bits meanwhile.
    public let streamContinues: Bool
    /// How many pulses the board applies in a second; nil when it does not say.
    public let pulsesPerSecond: Double?
    /// The pulses in force.
    public private(set) var point: PulsePoint
    /// What pulses the board takes.
    public let limits: PulseLimits
    /// The trims that a lane takes, in steps of the board; nil when it has none.
    public let trimLimits: ClosedRange<Int>?
    /// How long the lease lasts without a call, in seconds.
    public let seconds: Int

    private let socket: LeaseSocket
    private let forkMark: ForkMark
    /// The mask in force.
    private var mask: LaneBits
    /// When the lease was renewed last.
    private var renewed: UInt64

    /// Leases lanes.
    ///
    /// - Parameters:
    ///   - path: of the daemon's control socket.
    ///   - board: by name or serial number; nil for the only one.
    ///   - lanes: numbers of lanes; nil for any.
    ///   - count: the number of lanes, where `lanes` is nil; nil for all that are good.
    ///   - seconds: how long the lease lasts without a call, from 1 to 3,600.
    ///   - point: the pulses at first; nil for weak ones of the board's choice.
    ///   - allowsSimulated: whether a model of an array is accepted.
    public init(
        path: String = ArrayLease.defaultPath, board: String? = nil, lanes: [Int]? = nil, count: Int? = nil,
        seconds: Int = 60, point: PulsePoint? = nil, allowsSimulated: Bool = false
    ) throws(ArrayError) {
        precondition(LeaseLimits.seconds.contains(seconds) && (lanes == nil || count == nil))
        let call = LeaseCall(
            board: board, lanes: lanes, count: count, seconds: seconds, operatingPoint: point.map(OperatingPoint.init))
        let (reply, descriptor) = try call.perform(at: path)
        guard let provenance = Provenance.allCases.first(where: { $0.name == reply.provenance }),
            let amplitudes = reply.amplitudeLimits.range, let widths = reply.widthLimits.range,
            let fields = reply.fieldLimits.range, !reply.lanes.isEmpty
        else { throw .protocolViolation("its reply to Lease has impossible values") }
        guard allowsSimulated || provenance.isGenuine else { throw .notGenuine(provenance) }
        do {
            forkMark = try ForkMark()
        } catch {
            throw .unreachable(path: path, reason: error.reason)
        }
        origin = ArrayOrigin(board: reply.board, provenance: provenance, healthEpoch: reply.healthEpoch)
        self.lanes = reply.lanes
        streamContinues = reply.streamContinues
        pulsesPerSecond = reply.shotsPerSecond
        self.point = PulsePoint(reply.operatingPoint)
        limits = PulseLimits(amplitudeMillivolts: amplitudes, widthPicoseconds: widths, biasFieldMicrotesla: fields)
        trimLimits = reply.trimLimits?.range.flatMap { $0.lowerBound < $0.upperBound ? $0 : nil }
        self.seconds = seconds
        socket = LeaseSocket(descriptor, lanes: reply.lanes.count)
        mask = LaneBits(repeating: false, count: reply.lanes.count)
        renewed = monotonicNanoseconds()
    }

    /// The number of lanes.
    public var laneCount: Int { lanes.count }

    /// Gives the lanes back. Later calls throw `disconnected`.
    public func close() { socket.close(.disconnected) }

    // MARK: Devices

    /// Puts the devices that are not masked into states. Does not wait.
    public func write(_ states: LaneBits, leaving mask: LaneBits?) throws(ArrayError) {
        precondition(states.count == laneCount)
        try begin(mask)
        try socket.post(.write(states.words))
    }

    /// Pulses the devices that are not masked. Does not wait.
    public func pulse(_ count: Int, leaving mask: LaneBits?) throws(ArrayError) {
        precondition(count >= 0)
        try begin(mask)
        var rest = count
        while rest > 0 {
            try socket.post(.pulse(min(rest, Self.pulseLimit)))
            rest -= min(rest, Self.pulseLimit)
        }
    }

    /// Waits for everything that was sent, and reads the states of all devices.
    public func read() throws(ArrayError) -> LaneBits {
        try begin()
        guard let reply = try socket.exchange(.read) else { throw .protocolViolation("it refused to read") }
        return LaneBits(words: reply.states, count: laneCount)
    }

    // MARK: Pulses

    /// Sets the pulses, and waits until they are set.
    public func set(_ point: PulsePoint) throws(ArrayError) {
        try begin()
        if let violation = limits.violation(of: point) { throw violation }
        guard try socket.exchange(.point(OperatingPoint(point))) != nil else {
            throw .outOfRange(
                quantity: "width in ps", value: point.widthPicoseconds, minimum: limits.widthPicoseconds.lowerBound,
                maximum: limits.widthPicoseconds.upperBound)
        }
        self.point = point
    }

    /// Sets the trim of each lane, and waits until they are set.
    public func setTrims(_ trims: [Int]) throws(ArrayError) {
        precondition(trims.count == laneCount)
        try begin()
        let limits = trimLimits ?? 0...0
        let outside = trims.first { !limits.contains($0) }
        guard outside == nil, try socket.exchange(.trim(trims.map { Int16(clamping: $0) })) != nil else {
            throw .outOfRange(
                quantity: "trim", value: Double(outside ?? 0), minimum: Double(limits.lowerBound),
                maximum: Double(limits.upperBound))
        }
    }

    /// Lets the lease last from now on for `seconds`, and waits until that is certain. Other calls do it by themselves.
    public func renew() throws(ArrayError) {
        try checkProcess()
        renewed = monotonicNanoseconds()
        guard try socket.exchange(.renew(seconds)) != nil else {
            throw .protocolViolation("it refused to renew a lease")
        }
    }

    // MARK: Before each call

    private func checkProcess() throws(ArrayError) {
        if forkMark.takeForked() { socket.close(.ofParentProcess) }
    }

    /// Renews the lease when a third of its time has passed.
    private func begin() throws(ArrayError) {
        try checkProcess()
        let now = monotonicNanoseconds()
        guard now - renewed > UInt64(seconds) * 1_000_000_000 / 3 else { return }
        renewed = now
        try socket.post(.renew(seconds))
    }

    private func begin(_ mask: LaneBits?) throws(ArrayError) {
        try begin()
        let mask = mask ?? LaneBits(repeating: false, count: laneCount)
        precondition(mask.count == laneCount)
        guard mask != self.mask else { return }
        try socket.post(.mask(mask.words))
        self.mask = mask
    }
}

extension PulsePoint {
    init(_ point: OperatingPoint) {
        self.init(
            amplitudeMillivolts: point.amplitudeMillivolts, widthPicoseconds: point.pulseWidthPicoseconds,
            biasFieldMicrotesla: point.biasFieldMicrotesla)
    }
}

extension OperatingPoint {
    init(_ point: PulsePoint) {
        self.init(
            amplitudeMillivolts: point.amplitudeMillivolts, pulseWidthPicoseconds: point.widthPicoseconds,
            biasFieldMicrotesla: point.biasFieldMicrotesla)
    }
}

extension PulseLimits {
    /// The error about the first quantity of a point that is outside the limits; nil when none is.
    func violation(of point: PulsePoint) -> ArrayError? {
        let quantities = [
            ("amplitude in mV", point.amplitudeMillivolts, amplitudeMillivolts),
            ("width in ps", point.widthPicoseconds, widthPicoseconds),
            ("bias field in µT", point.biasFieldMicrotesla, biasFieldMicrotesla),
        ]
        // Written so that a value that is no number is outside.
        return quantities.first { !$0.2.contains($0.1) }.map { quantity, value, range in
            .outOfRange(quantity: quantity, value: value, minimum: range.lowerBound, maximum: range.upperBound)
        }
    }
}
