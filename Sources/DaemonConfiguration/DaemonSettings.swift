// SPDX-License-Identifier: Apache-2.0

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
        /// Devices that are computed. Their bits are never served as anything but simulated.
        case simulated
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
    package var array = ArraySettings()

    package init() {}

    /// The size of a frame's payload in bytes.
    package var frameBytes: Int { shotsPerFrame * lanes / 8 }

    /// The largest payload of a frame in bytes.
    package static let maximumFrameBytes = 1 << 20
}

/// What a simulated array is, and what disturbs it. These are assumptions, not measurements.
package struct ArraySettings: Sendable, Equatable {
    package var preset = ArrayPreset.quarterPeriod
    package var temperatureKelvin = 300.0
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
