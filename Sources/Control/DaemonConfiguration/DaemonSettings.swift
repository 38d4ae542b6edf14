// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import DevicePhysics

/// All settings of the daemon. The initial values are the built-in ones.
///
/// `Schema.swift` defines the allowed values; a value read from a configuration is one of them.
package struct DaemonSettings: Sendable, Equatable {
    /// The folder of the sockets, as an absolute path.
    package var runtimeDirectory = "/run/metrng"
    package var log = LogSettings()
    /// No boards: the daemon runs, serves nothing and says so.
    package var boards: [BoardSettings] = []
    package var health = HealthSettings()
    package var rings = RingSettings()
    package var entropy = SocketSettings(maximumClients: 256)
    package var control = SocketSettings(maximumClients: 32)
    package var egd = EGDSettings()
    package var kernel = KernelFeedSettings()

    package init() {}
}

package struct LogSettings: Sendable, Equatable {
    /// The lowest severity that is logged.
    package enum Level: String, Sendable, CaseIterable {
        case debug, info, warning, error
    }

    package var level = Level.info
}

package struct BoardSettings: Sendable, Equatable {
    /// The seed of a simulated board's generator.
    package enum Seed: Sendable, Equatable {
        /// From the kernel's generator: other bits at every start.
        case kernel
        /// The same bits at every start, for tests that must be repeatable.
        case fixed(UInt64)
    }

    /// Unique among the boards.
    package var name = "array0"
    package var kind = Kind.simulated
    /// One for each device.
    package var lanes = 512
    package var seed = Seed.kernel
    package var shotsPerFrame = 1024
    /// The number of shots in one second of a simulated array's time.
    package var shotsPerSecond = 1e6
    /// The recording of a replay, or the device of the host, as an absolute path; empty for an array.
    package var path = ""
    /// How long a source of the host may be silent before the board says that it waits for it.
    package var patienceSeconds = 10.0
    package var usb = USBSettings()
    /// The number of lanes combined into one by XOR: 1, 2 or 4.
    package var xorFold = 1
    package var trim = LaneTrimSettings()
    /// The overrides of the preset's operating point, or of a USB board's own.
    package var operatingPoint = PartialOperatingPoint()
    package var array = ArraySettings()
    package var faults = FaultScript()

    package init() {}

    /// The size of a frame's payload in bytes.
    package var frameBytes: Int { shotsPerFrame * lanes / 8 }

    /// The largest payload of a frame in bytes.
    package static let maximumFrameBytes = 1 << 20
}

/// The selection of a USB board.
package struct USBSettings: Sendable, Equatable {
    /// Its serial number; empty for any.
    package var serial = ""
    /// Bus and ports, as "1-2.3"; empty for any.
    package var place = ""
    /// The vendor and product numbers to accept.
    package var identifiers = [USBIdentifier(vendor: 0x1209, product: 0x0001)]
    /// Whether the board reports itself as simulated.
    package var simulated = false
}

/// The vendor and product numbers of a USB device.
package struct USBIdentifier: Sendable, Equatable {
    package let vendor: UInt16
    package let product: UInt16

    package init(vendor: UInt16, product: UInt16) {
        self.vendor = vendor
        self.product = product
    }
}

/// The loop that holds lanes at 50 % ones, on boards whose lanes can be trimmed.
package struct LaneTrimSettings: Sendable, Equatable {
    package var hold = true
    /// The expected drift of a lane: its standard deviation, and the seconds in which it decays to 1/e.
    package var driftDeviation = 0.01
    package var driftSeconds = 100.0
}

/// The mean device of a simulated array, in the units that the literature gives. The damping is the
/// preset's.
package struct DeviceSettings: Sendable, Equatable {
    package var diameterNanometres = 60.0
    package var freeLayerNanometres = 1.1
    package var oxideNanometres = 1.5
    package var magnetisationKiloamperesPerMetre = 1200.0
    package var anisotropyMillijoulesPerSquareMetre = 1.04
    package var vcmaFemtojoulesPerVoltMetre = 75.0
    package var resistanceAreaOhmSquareMicrometres = 130.0
    package var tunnelMagnetoresistance = 1.2
    package var breakdownMillivolts = 3000.0

    package init() {}

    /// The device in SI units, with the damping of a preset.
    package func parameters(of preset: ArrayPreset) -> DeviceParameters {
        var device = preset.device
        device.diameterNanometres = diameterNanometres
        device.freeLayerNanometres = freeLayerNanometres
        device.oxideNanometres = oxideNanometres
        device.magnetisation = magnetisationKiloamperesPerMetre * 1e3
        device.anisotropyEnergy = anisotropyMillijoulesPerSquareMetre * 1e-3
        device.vcmaCoefficient = vcmaFemtojoulesPerVoltMetre * 1e-15
        device.resistanceArea = resistanceAreaOhmSquareMicrometres
        device.tunnelMagnetoresistance = tunnelMagnetoresistance
        device.breakdownMillivolts = breakdownMillivolts
        return device
    }
}

/// The model of a simulated array and its disturbances. These are assumptions, not measurements.
package struct ArraySettings: Sendable, Equatable {
    package var preset = ArrayPreset.quarterPeriod
    package var temperatureKelvin = 300.0
    package var device = DeviceSettings()
    /// The spread between devices, and the fraction that never switch.
    package var spread = ArraySpread()
    package var drift = DriftSettings()
    package var memory = MemorySettings()
    /// The fraction of reads that return the wrong state.
    package var readErrorRate = 0.0
    /// The shift of all devices' probabilities by a common-mode disturbance.
    package var commonModeAmplitude = 0.0
}

/// The drift of each device's switching probability.
package struct DriftSettings: Sendable, Equatable {
    /// The long-run standard deviation; 0 for no drift.
    package var deviation = 0.0
    /// The time in seconds in which a deviation decays to 1/e.
    package var seconds = 100.0
}

/// The dependence of a device on its earlier shots.
package struct MemorySettings: Sendable, Equatable {
    /// The shift of the probability, up or down; 0 for no memory.
    package var amplitude = 0.0
    /// The time in microseconds in which the correlation decays to 1/e.
    package var microseconds = 2.0
}

package struct HealthSettings: Sendable, Equatable {
    /// The min-entropy claimed for each raw bit of a lane, in bits. Cut-offs follow from it.
    package var claimedEntropyPerBit = 0.8
    /// Windows of 1,024 shots that a lane must pass before its bits are used.
    package var startUpWindows = 4
    /// Percentage of a board's lanes that must be good; with fewer it serves no bits.
    package var minimumGoodLanesPercent = 75
}

package struct RingSettings: Sendable, Equatable {
    /// Whether the rings must be kept out of swap.
    package enum LockMemory: String, Sendable, CaseIterable {
        /// Without locked memory the daemon does not start.
        case required
        /// Without locked memory the daemon warns and goes on.
        case ifPermitted
        /// Not tried: bits may reach swap.
        case never
    }

    /// The size of the ring of `full` bits, in bytes.
    package var fullBytes = 1 << 20
    /// The size of the ring of `raw` bits, in bytes.
    package var rawBytes = 1 << 18
    package var lockMemory = LockMemory.required
}

/// One of the daemon's sockets.
package struct SocketSettings: Sendable, Equatable {
    /// Connections beyond this number are refused.
    package var maximumClients: Int
    /// The permissions of the socket file.
    package var socketMode: UInt32 = 0o660
}

/// Whether and how to serve EGD on a socket of its own.
package struct EGDSettings: Sendable, Equatable {
    package var serve = false
    /// Whether simulated and replayed bits are served, which the protocol cannot label.
    package var allowSimulated = false
    /// Connections beyond this number are refused.
    package var maximumClients = 16
    /// The permissions of the socket file.
    package var socketMode: UInt32 = 0o660
}

/// Whether and how to feed the kernel's generator.
package struct KernelFeedSettings: Sendable, Equatable {
    package var feed = false
    /// The time from one contribution to the next.
    package var intervalSeconds = 60
    /// The size of a contribution, each byte of which is credited with 8 bits.
    package var bytes = 64
}
