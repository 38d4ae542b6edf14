// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import DevicePhysics
import EntropyTerms
package import LinuxPlatform

/// A board that is not there: frames like a real board's, of an array that is a model.
///
/// Frames are made when they are read, so that an unread board costs nothing. Its bits carry the
/// provenance `simulated` and are not random.
package final class SimulatedArrayBoard: TunableBoard, FaultyBoard, @unchecked Sendable {
    // Everything here but `wakeup` is touched by the pipeline's thread only.
    private let name: String
    private let shotsPerFrame: Int
    private let array: SimulatedArray
    private let wakeup: Wakeup
    private var numbers = FrameNumbers()
    private var silences: [Silence] = []

    /// A frame in so many is lost, damaged or left out by a fault of frames.
    private static let faultyFrames: UInt64 = 8

    /// - Parameters:
    ///   - lanes: from 64 to 4,096, a multiple of 64.
    ///   - shotsPerFrame: at least 1; a frame's payload may not exceed `FrameHeader.payloadLimit`.
    ///   - script: faults, counted from the first shot of the board; without a defect, and
    ///     no more than `FaultScript.orderLimit`.
    package convenience init(
        name: String, lanes: Int, settings: SimulatedArraySettings, shotsPerFrame: Int,
        seed: SimulationSeed, script: FaultScript = FaultScript()
    ) throws(SystemError) {
        // The devices and their shots come from different streams, so that a change of one does not
        // shift the other.
        var generator = seed.makeGenerator()
        let shots = SimulationSeed.fixed(generator.next())
        let devices = settings.spread.devices(
            count: lanes, preset: settings.preset, parameters: settings.parameters,
            using: &generator)
        try self.init(
            name: name, devices: .physical(devices), settings: settings,
            shotsPerFrame: shotsPerFrame,
            seed: seed == .kernel ? .kernel : shots, script: script)
    }

    /// A board with devices that are given, instead of drawn from the spread.
    package init(
        name: String, devices: ArrayDevices, settings: SimulatedArraySettings,
        shotsPerFrame: Int, seed: SimulationSeed, script: FaultScript = FaultScript()
    ) throws(SystemError) {
        precondition(shotsPerFrame >= 1)
        self.name = name
        self.shotsPerFrame = shotsPerFrame
        wakeup = try Wakeup()
        array = SimulatedArray(devices: devices, settings: settings, seed: seed)
        for order in script.orders { _ = inject(order) }
    }

    package var devices: ArrayDevices { array.devices }

    /// The chain that each lane's device is, as things stand.
    package var chains: [SwitchingChain] { array.chainsNow }

    /// How often each lane's bit is 1 in the long run, as things stand: what the model holds, for
    /// comparison with what it gives.
    package var probabilities: [Double] { array.probabilities }

    // MARK: Board

    package func open() throws(BoardError) -> BoardDescription {
        try checkPresence()
        array.trims = Array(repeating: 0, count: array.devices.count)
        let preset = array.settings.preset
        return BoardDescription(
            kind: "simulated", provenance: .simulated, serial: "SIM-\(name)",
            path: "model:\(preset.rawValue)", firmware: "1.0", lanes: array.devices.count,
            encoding: preset.isToggleEncoded ? .toggles : .states,
            operatingPoint: array.operatingPoint,
            maximumPayload: shotsPerFrame * array.words * 8,
            shotsPerSecond: array.settings.shotsPerSecond,
            tuning: preset.tuning(
                breakdownMillivolts: array.settings.parameters.breakdownMillivolts,
                latency: shotsPerFrame))
    }

    package func start() { numbers = FrameNumbers() }

    /// Makes one frame. Waits only while a fault keeps the board silent.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        try checkPresence()
        if isSilent(.stall) {
            wakeup.wait(milliseconds: milliseconds)
            return 0
        }
        while true {
            let shot = array.shot
            let count = makeFrame(in: buffer)
            let isFaulty = shot / UInt64(shotsPerFrame) % Self.faultyFrames == 7
            let fault = isFaulty ? frameFault(at: shot) : nil
            switch fault {
            case .overflow: numbers.leaveOut(shots: shotsPerFrame)
            case .droppedFrames: numbers.advance(shots: shotsPerFrame)
            default:
                if fault == .corruptedFrames { buffer[FrameHeader.byteCount] ^= 1 }
                numbers.advance(shots: shotsPerFrame)
                return count
            }
        }
    }

    package func stop() {}

    package func close() {}

    package func interrupt() { wakeup.signal() }

    private func makeFrame(in buffer: UnsafeMutableRawBufferPointer) -> Int {
        let header = numbers.header(
            encoding: array.settings.preset.isToggleEncoded ? .toggleEncoded : [],
            words: array.words, shots: shotsPerFrame, kelvin: array.temperatureKelvin)
        let count = FrameHeader.byteCount + header.payloadCount
        precondition(buffer.count >= count)
        let frame = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        let payload = UnsafeMutableRawBufferPointer(rebasing: frame[FrameHeader.byteCount...])
        array.sample(shots: shotsPerFrame, into: payload.assumingMemoryBound(to: UInt64.self))
        header.write(to: frame)
        return count
    }

    private func frameFault(at shot: UInt64) -> Fault? {
        [.overflow, .droppedFrames, .corruptedFrames].first {
            array.faults.isActive($0, at: shot)
        }
    }

    // MARK: TunableBoard

    package func setOperatingPoint(_ point: OperatingPoint) throws(BoardError) {
        try checkPresence()
        array.operatingPoint = point
    }

    package func setTrims(_ trims: [Int16]) throws(BoardError) {
        precondition(trims.count == array.devices.count)
        try checkPresence()
        array.trims = trims
    }

    package func telemetry() throws(BoardError) -> BoardTelemetry {
        try checkPresence()
        return BoardTelemetry(
            temperatureCelsius: array.temperatureKelvin - 273.15,
            resistanceOhms: array.resistances)
    }

    // MARK: The array by itself

    /// The state of every device: bit i of word j is that of lane 64·j + i.
    package var states: [UInt64] {
        get { array.states }
        set { array.states = newValue }
    }

    /// Pulses every device so many times, at least once, and reads nothing.
    package func pulse(_ count: Int) {
        let rows = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: array.words)
        defer { rows.deallocate() }
        for _ in 0..<count { array.sample(shots: 1, into: rows) }
    }

    // MARK: FaultyBoard

    package func inject(_ order: FaultOrder) -> Bool {
        guard array.faults.count < FaultScript.orderLimit else { return false }
        array.faults.add(order, now: array.shot)
        beginSilences()
        return true
    }

    package func clearFaults() {
        array.faults.clear()
        silences = []
    }

    private func checkPresence() throws(BoardError) {
        beginSilences()
        if isSilent(.vanish) { throw .absent("a fault that was asked for took it away") }
    }

    /// The array stands still in a silence, which therefore is measured with the clock.
    private func beginSilences() {
        let isSilence = { (fault: Fault) in fault == .stall || fault == .vanish }
        guard array.faults.hasBegun(at: array.shot, where: isSilence) else { return }
        let begun = array.faults.takeBegun(at: array.shot, where: isSilence)
        let now = monotonicNanoseconds()
        silences += begun.map { order in
            let seconds = order.forShots.map { Double($0) / array.settings.shotsPerSecond }
            // For ever, when no clock goes so far.
            let end = seconds.flatMap { UInt64(exactly: (Double(now) + $0 * 1e9).rounded()) }
            return Silence(fault: order.fault, end: end ?? .max)
        }
    }

    private func isSilent(_ fault: Fault) -> Bool {
        if silences.isEmpty { return false }
        let now = monotonicNanoseconds()
        silences.removeAll { $0.end <= now }
        return silences.contains { $0.fault == fault }
    }
}

/// A stall or a vanishing that has begun.
private struct Silence {
    let fault: Fault
    /// In the nanoseconds of the monotonic clock.
    let end: UInt64
}

/// The numbers of the next frame.
private struct FrameNumbers {
    private var sequence: UInt32 = 0
    private var nextShot: UInt64 = 0
    private var dropped: UInt32 = 0

    func header(
        encoding: FrameHeader.Flags, words: Int, shots: Int, kelvin: Double
    ) -> FrameHeader {
        FrameHeader(
            flags: dropped > 0 ? encoding.union(.overflowBefore) : encoding,
            wordsPerShot: UInt16(words), sequence: sequence, shots: UInt32(shots),
            firstShot: nextShot, temperature: Int16(((kelvin - 273.15) * 100).rounded()),
            droppedBefore: dropped)
    }

    mutating func advance(shots: Int) {
        sequence &+= 1
        nextShot += UInt64(shots)
        dropped = 0
    }

    /// The frame was never one: the next has its number, and says what is missing before it.
    mutating func leaveOut(shots: Int) {
        nextShot += UInt64(shots)
        dropped += UInt32(shots)
    }
}

extension ArrayPreset {
    /// What can be set about an array.
    package func tuning(breakdownMillivolts: Double, latency: Int) -> Tuning {
        let limits = driveLimits(breakdownMillivolts: breakdownMillivolts)
        return Tuning(
            amplitudeMillivolts: limits.amplitudeMillivolts,
            pulseWidthPicoseconds: limits.pulseWidthPicoseconds,
            biasFieldMicrotesla: limits.biasFieldMicrotesla, trim: trimRange,
            trimLatencyShots: latency)
    }
}
