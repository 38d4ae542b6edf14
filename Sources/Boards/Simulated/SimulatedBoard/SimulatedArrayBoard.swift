// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import DevicePhysics
import EntropyTerms
package import LinuxPlatform

/// A board without hardware: frames like a real board's, made from the model of an array.
///
/// Frames are made when they are read, so that an unread board costs nothing. Its bits carry the
/// provenance `simulated` and are not random.
package final class SimulatedArrayBoard: TunableBoard, FaultyBoard, @unchecked Sendable {
    // Everything here but `wakeup` is touched by the pipeline's thread only.
    private let name: String
    private let shotsPerFrame: Int
    let array: SimulatedArray
    private let wakeup: Wakeup
    private let idle: Idling
    private var numbers = FrameNumbers()
    private var silences: Silences
    private(set) var isStreaming = false

    /// Waits for an interruption, at most the given milliseconds, while a fault keeps the board silent. One that
    /// moves a virtual clock instead need not wait.
    package typealias Idling = @Sendable (Wakeup, Int32) -> Void

    /// The number of frames of which a fault of frames hits one.
    private static let faultyFrames: UInt64 = 8

    /// - Parameters:
    ///   - lanes: from 64 to 4,096, a multiple of 64.
    ///   - shotsPerFrame: at least 1; a frame's payload may not exceed `FrameHeader.payloadLimit`.
    ///   - script: faults, counted from the first shot of the board; without a defect, and
    ///     no more than `FaultScript.orderLimit`.
    ///   - clock: measures how long the board stays silent or absent by a fault. The time of the model itself is
    ///     counted in shots.
    package convenience init(
        name: String, lanes: Int, settings: SimulatedArraySettings, shotsPerFrame: Int,
        seed: SimulationSeed, script: FaultScript = FaultScript(), clock: Clock = .system,
        idle: @escaping Idling = { $0.wait(milliseconds: $1) }
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
            seed: seed == .kernel ? .kernel : shots, script: script, clock: clock, idle: idle)
    }

    /// Makes a board of given devices, instead of devices drawn from the spread.
    package init(
        name: String, devices: ArrayDevices, settings: SimulatedArraySettings,
        shotsPerFrame: Int, seed: SimulationSeed, script: FaultScript = FaultScript(),
        clock: Clock = .system, idle: @escaping Idling = { $0.wait(milliseconds: $1) }
    ) throws(SystemError) {
        precondition(shotsPerFrame >= 1)
        self.name = name
        self.shotsPerFrame = shotsPerFrame
        self.idle = idle
        silences = Silences(clock: clock, shotsPerSecond: settings.shotsPerSecond)
        wakeup = try Wakeup()
        array = SimulatedArray(devices: devices, settings: settings, seed: seed)
        for order in script.orders { _ = inject(order) }
    }

    package var devices: ArrayDevices { array.devices }

    /// The chain of each lane's device, with the drive, trims, drift and faults of this shot.
    package var chains: [SwitchingChain] { array.chainsNow }

    /// The share of ones of each lane in the long run, by the chains of this shot.
    package var probabilities: [Double] { array.probabilities }

    // MARK: Board

    package func open() throws(BoardError) -> BoardDescription {
        try checkPresence()
        array.trims = Array(repeating: 0, count: array.devices.count)
        let noLane = [UInt64](repeating: 0, count: array.words)
        array.setMask(noLane)
        array.setAside(noLane)
        array.aside.operatingPoint = array.operatingPoint
        array.aside.trims = array.trims
        array.aside.mask = noLane
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
                latency: shotsPerFrame),
            hasArrayOperations: true, canSetLanesAside: true)
    }

    package func start() {
        numbers = FrameNumbers()
        isStreaming = true
    }

    /// Makes one frame. Waits only while a fault keeps the board silent.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        try checkPresence()
        if silences.contains(.stall) {
            // An interruption of an earlier read, which did not wait, ends no later one.
            wakeup.clear()
            idle(wakeup, milliseconds)
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

    package func stop() { isStreaming = false }

    package func close() { isStreaming = false }

    package func interrupt() { wakeup.signal() }

    private func makeFrame(in buffer: UnsafeMutableRawBufferPointer) -> Int {
        let header = numbers.header(
            encoding: array.settings.preset.isToggleEncoded ? .toggleEncoded : [],
            words: array.words, shots: shotsPerFrame, masked: array.hiddenLanes,
            celsius: temperatureCelsius)
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

    /// The points of the preset, if the array has the devices they were chosen for: that of the stream, by the name of
    /// the preset, and the weak one, which is for array operations.
    package var presets: [String: OperatingPoint] {
        let preset = array.settings.preset
        guard array.settings.parameters.isSame(as: preset.device) else { return [:] }
        return [preset.rawValue: preset.operatingPoint, Self.weakPreset: preset.weakPoint]
    }

    package static let weakPreset = "weak"

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
            temperatureCelsius: temperatureCelsius, resistanceOhms: array.resistances)
    }

    /// Temperature of the array, in °C.
    package var temperatureCelsius: Double { array.temperatureKelvin - 273.15 }

    // MARK: FaultyBoard

    package func inject(_ order: FaultOrder) -> Bool {
        guard array.faults.count < FaultScript.orderLimit else { return false }
        array.faults.add(order, now: array.shot)
        beginSilences()
        return true
    }

    package func clearFaults() {
        array.faults.clear()
        silences.clear()
    }

    func checkPresence() throws(BoardError) {
        beginSilences()
        if silences.contains(.vanish) { throw .absent("an injected fault removed it") }
    }

    private func beginSilences() {
        let isSilence = { (fault: Fault) in fault == .stall || fault == .vanish }
        guard array.faults.hasBegun(at: array.shot, where: isSilence) else { return }
        silences.begin(array.faults.takeBegun(at: array.shot, where: isSilence))
    }
}

/// The numbers of the next frame.
private struct FrameNumbers {
    private var sequence: UInt32 = 0
    private var nextShot: UInt64 = 0
    private var dropped: UInt32 = 0

    func header(
        encoding: FrameHeader.Flags, words: Int, shots: Int, masked: Int, celsius: Double
    ) -> FrameHeader {
        FrameHeader(
            flags: dropped > 0 ? encoding.union(.overflowBefore) : encoding,
            wordsPerShot: UInt16(words), sequence: sequence, shots: UInt32(shots),
            firstShot: nextShot, temperature: Int16((celsius * 100).rounded()),
            lanesMasked: UInt16(masked), droppedBefore: dropped)
    }

    mutating func advance(shots: Int) {
        sequence &+= 1
        nextShot += UInt64(shots)
        dropped = 0
    }

    /// Leaves a frame out: the next one has its number, and counts its shots as dropped.
    mutating func leaveOut(shots: Int) {
        nextShot += UInt64(shots)
        dropped += UInt32(shots)
    }
}

extension ArrayPreset {
    /// The quantities that can be set on an array, with their limits.
    package func tuning(breakdownMillivolts: Double, latency: Int) -> Tuning {
        let limits = driveLimits(breakdownMillivolts: breakdownMillivolts)
        return Tuning(
            amplitudeMillivolts: limits.amplitudeMillivolts,
            pulseWidthPicoseconds: limits.pulseWidthPicoseconds,
            biasFieldMicrotesla: limits.biasFieldMicrotesla, trim: trimRange,
            trimLatencyShots: latency)
    }
}
