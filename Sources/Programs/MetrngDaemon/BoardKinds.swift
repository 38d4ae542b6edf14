// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DaemonConfiguration
import DevicePhysics
import HostSource
import LinuxPlatform
import Recordings
import SimulatedBoard
import USBBoard

// The one place of the daemon that knows every kind of board: how a board is made, and what to try when it fails.

extension BoardSettings {
    /// - Parameters:
    ///   - all: the entries of the daemon, this one among them.
    ///   - locked: whether memory with bits must be kept from swap.
    func makeBoard(among all: [BoardSettings], locked: Bool) throws(SystemError) -> any Board {
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
            try HostBoard(
                path: path, lanes: lanes, shotsPerFrame: shotsPerFrame, patienceSeconds: patienceSeconds,
                locked: locked)
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

extension BoardError {
    /// What to try with a board of a kind: a file has no plug, and a model no cable.
    func remedy(for kind: BoardSettings.Kind) -> String {
        switch (kind, self) {
        case (.host, .absent): "check that the source exists and is connected; metrngd keeps looking for it"
        case (.host, .notPermitted):
            "give the user of metrngd read access to the source, and its unit DeviceAllow= for a device;"
                + " see docs/administration.md"
        case (.host, .unsupported): "name another source with the key path"
        case (.host, .busy), (.host, .taken): "end the other program that uses the source; metrngd keeps trying"
        case (.host, .stalled), (.host, .noBus), (.host, .ended):
            "check that the source delivers bits; metrngd keeps trying"
        case (_, .ended), (.usb, _), (_, .busy), (_, .taken), (_, .noBus): remedy
        case (.simulated, _): "end the injected faults: mectl inject none"
        case (.replay, .absent): "check that the file exists; metrngd keeps looking for it"
        case (.replay, .notPermitted): "give the user of metrngd read access to the file"
        case (.replay, _): "name another recording with the key path"
        }
    }
}
