// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import Conditioning
import DaemonConfiguration
import DevicePhysics
import EntropyPipeline
import EntropyRing
import EntropyTerms
import HostSource
import LinuxPlatform
import OperatingPointControl
import Recordings
import SimulatedBoard
import USBBoard

/// One board of the configuration with its rings and its pipeline, running.
struct BoardUnit: Sendable {
    let settings: BoardSettings
    let pipeline: EntropyPipeline
    let clock: Clock

    var source: EntropySource { pipeline.source }

    /// The parts of the daemon that all units share.
    struct Dependencies {
        let daemon: DaemonSettings
        let bitsArrived: Wakeup
        let events: EventQueue
        var clock = Clock.system
    }

    /// Makes the rings and starts the pipeline.
    ///
    /// - Parameter locked: whether memory with bits must be kept from swap.
    init(
        _ settings: BoardSettings, locked: Bool, _ dependencies: Dependencies
    ) throws(SystemError) {
        self.settings = settings
        clock = dependencies.clock
        let rings = dependencies.daemon.rings.holdingTwoWindows(of: settings.mostLanes)
        let source = try EntropySource(
            name: settings.name, provenance: settings.provenance,
            channels: [
                EntropyChannel(.raw, capacity: rings.rawBytes, locked: locked),
                EntropyChannel(.full, capacity: rings.fullBytes, locked: locked),
            ],
            bitsArrived: dependencies.bitsArrived)
        let health = dependencies.daemon.health
        let events = dependencies.events
        pipeline = EntropyPipeline(
            board: try settings.makeBoard(among: dependencies.daemon.boards, locked: locked),
            source: source,
            settings: PipelineSettings(
                claimedEntropyPerBit: health.claimedEntropyPerBit,
                startUpWindows: health.startUpWindows,
                minimumGoodLanesPercent: health.minimumGoodLanesPercent, locksMemory: locked,
                fold: LaneFold(parts: settings.xorFold), trim: settings.trimSettings),
            clock: dependencies.clock
        ) { events.add(EventQueue.Entry(board: settings.name, event: $0)) }
        try pipeline.start()
    }
}

extension RingSettings {
    /// These sizes, enlarged where two windows of the lanes would not fit: 2,048 bits per lane.
    fileprivate func holdingTwoWindows(of lanes: Int) -> RingSettings {
        var least = 1
        while least < 2048 / 8 * lanes { least *= 2 }
        var rings = self
        rings.rawBytes = max(rawBytes, least)
        rings.fullBytes = max(fullBytes, least)
        return rings
    }
}

extension BoardSettings {
    /// As many lanes as the board may have: one on the USB says only when it is opened.
    fileprivate var mostLanes: Int {
        kind == .usb ? BoardDescription.laneLimits.upperBound : lanes
    }

    var provenance: Provenance {
        switch kind {
        case .usb: usb.simulated ? .simulated : .hardware
        case .simulated: .simulated
        case .replay: .replay
        case .host: .host
        }
    }

    /// Nil to leave the lanes alone.
    fileprivate var trimSettings: TrimSettings? {
        trim.hold
            ? TrimSettings(driftDeviation: trim.driftDeviation, driftSeconds: trim.driftSeconds)
            : nil
    }

    /// - Parameters:
    ///   - all: the entries of the daemon, this one among them.
    ///   - locked: whether memory with bits must be kept from swap.
    fileprivate func makeBoard(
        among all: [BoardSettings], locked: Bool
    ) throws(SystemError) -> any Board {
        switch kind {
        case .usb:
            try USBBoard(usbBoard(among: all), locked: locked)
        case .simulated:
            try SimulatedArrayBoard(
                name: name, lanes: lanes, settings: simulatedArray, shotsPerFrame: shotsPerFrame,
                seed: simulationSeed, script: faults)
        case .replay:
            ReplayBoard(path: path)
        case .host:
            try HostBoard(path: path, lanes: lanes, shotsPerFrame: shotsPerFrame, locked: locked)
        }
    }

    private func usbBoard(among all: [BoardSettings]) -> USBBoardSettings {
        var board = USBBoardSettings()
        board.selection = usb.selection
        board.reserved = all.filter { $0.kind == .usb }.map(\.usb.selection).filter { $0 != .any }
        board.identifiers = usb.identifiers.map {
            USBBoardSettings.Identifier(vendor: $0.vendor, product: $0.product)
        }
        board.expectsSimulated = usb.simulated
        board.operatingPoint = operatingPoint
        return board
    }

    private var simulatedArray: SimulatedArraySettings {
        var simulated = SimulatedArraySettings(array.preset)
        simulated.parameters = array.device.parameters(of: array.preset)
        simulated.spread = array.spread
        simulated.operatingPoint = array.preset.operatingPoint.replacing(operatingPoint)
        simulated.temperatureKelvin = array.temperatureKelvin
        simulated.drift = OrnsteinUhlenbeck(
            deviation: array.drift.deviation, seconds: array.drift.seconds)
        simulated.memory = DeviceMemory(
            amplitude: array.memory.amplitude,
            shots: array.memory.microseconds * 1e-6 * shotsPerSecond)
        simulated.readErrorRate = array.readErrorRate
        simulated.commonModeAmplitude = array.commonModeAmplitude
        simulated.shotsPerSecond = shotsPerSecond
        return simulated
    }

    private var simulationSeed: SimulationSeed {
        switch seed {
        case .kernel: .kernel
        case .fixed(let number): .fixed(number)
        }
    }
}

extension USBSettings {
    fileprivate var selection: USBBoardSettings.Selection {
        if !serial.isEmpty { return .serial(serial) }
        return place.isEmpty ? .any : .place(place)
    }
}
