// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import DevicePhysics

/// Everything that can be set about the daemon. The initial values are the built-in ones.
///
/// Which values are possible is said once, in `Schema.swift`; a value that was read from a
/// configuration keeps to it.
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
    package var kernel = KernelFeedSettings()

    package init() {}
}

package struct LogSettings: Sendable, Equatable {
    /// The least severe kind of message that is written.
    package enum Level: String, Sendable, CaseIterable {
        case debug, info, warning, error
    }

    package var level = Level.info
}

package struct BoardSettings: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A board on the USB.
        case usb
        /// Devices that are computed. Their bits are never served as anything but simulated.
        case simulated
        /// A recording, whose bits somebody has already.
        case replay
        /// A hardware random number generator, another character device or a FIFO of this machine.
        case host
    }

    /// Where a simulated board's own generator starts.
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
    /// How many shots are a second of a simulated array's time.
    package var shotsPerSecond = 1e6
    /// The recording of a replay, or the device of the host, as an absolute path; empty for an array.
    package var path = ""
    package var usb = USBSettings()
    /// How many lanes make one by XOR: 1, 2 or 4.
    package var xorFold = 1
    package var trim = LaneTrimSettings()
    /// What replaces the preset's operating point, or the board's own on the USB.
    package var operatingPoint = PartialOperatingPoint()
    package var array = ArraySettings()
    package var faults = FaultScript()

    package init() {}

    /// The size of a frame's payload in bytes.
    package var frameBytes: Int { shotsPerFrame * lanes / 8 }

    /// The largest payload of a frame in bytes.
    package static let maximumFrameBytes = 1 << 20
}

/// Which board on the USB is meant.
package struct USBSettings: Sendable, Equatable {
    /// Its serial number; empty for any.
    package var serial = ""
    /// Bus and ports, as "1-2.3"; empty for any.
    package var place = ""
    /// The vendor and product numbers that it may have.
    package var identifiers = [USBIdentifier(vendor: 0x1209, product: 0x0001)]
    /// Whether it is a board that says of itself that it is simulated.
    package var simulated = false
}

/// The numbers by which a device on the USB says what it is.
package struct USBIdentifier: Sendable, Equatable {
    package let vendor: UInt16
    package let product: UInt16

    package init(vendor: UInt16, product: UInt16) {
        self.vendor = vendor
        self.product = product
    }
}

/// How the lanes of a board that can be trimmed are held at half ones.
package struct LaneTrimSettings: Sendable, Equatable {
    package var hold = true
    /// The drift of a lane that is expected: its standard deviation, and in how many seconds it decays.
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

/// What a simulated array is, and what disturbs it. These are assumptions, not measurements.
package struct ArraySettings: Sendable, Equatable {
    package var preset = ArrayPreset.quarterPeriod
    package var temperatureKelvin = 300.0
    package var device = DeviceSettings()
    /// How the devices differ, with the part of them that never switch.
    package var spread = ArraySpread()
    package var drift = DriftSettings()
    package var memory = MemorySettings()
    /// The part of reads that go wrong.
    package var readErrorRate = 0.0
    /// By how much a common disturbance moves the probability of all devices up or down.
    package var commonModeAmplitude = 0.0
}

/// How the switching probability of each device drifts.
package struct DriftSettings: Sendable, Equatable {
    /// The standard deviation in the long run; 0 for none.
    package var deviation = 0.0
    /// After how many seconds a deviation has decayed to 1/e.
    package var seconds = 100.0
}

/// How much a device remembers of the shots before.
package struct MemorySettings: Sendable, Equatable {
    /// By how much the probability moves up or down; 0 for none.
    package var amplitude = 0.0
    /// After how many microseconds the correlation has decayed to 1/e.
    package var microseconds = 2.0
}

package struct HealthSettings: Sendable, Equatable {
    /// The min-entropy claimed for each raw bit of a lane, in bits. Cut-offs follow from it.
    package var claimedEntropyPerBit = 0.8
    /// How many windows of 1,024 shots a lane must pass before its bits are used.
    package var startUpWindows = 4
    /// With fewer good lanes than this, in percent of all lanes, a board gives no bits.
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

/// Whether and how the kernel's own generator is fed.
package struct KernelFeedSettings: Sendable, Equatable {
    package var feed = false
    /// The time from one contribution to the next.
    package var intervalSeconds = 60
    /// The size of a contribution, each byte of which is credited with 8 bits.
    package var bytes = 64
}
