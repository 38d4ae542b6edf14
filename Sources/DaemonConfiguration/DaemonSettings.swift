// SPDX-License-Identifier: Apache-2.0

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
    package var array = ArraySettings()

    package init() {}

    /// The size of a frame's payload in bytes.
    package var frameBytes: Int { shotsPerFrame * lanes / 8 }

    /// The largest payload of a frame in bytes.
    package static let maximumFrameBytes = 1 << 20
}

/// How the devices of a simulated array differ. These are assumptions, not measurements.
package struct ArraySettings: Sendable, Equatable {
    /// The probability that a pulse switches a device, averaged over the devices.
    package var meanSwitchingProbability = 0.5
    /// The standard deviation of the switching probability over the devices.
    package var deviceSpread = 0.015
    /// The standard deviation over the devices of (p01 - p10) / 2: how much the probability depends
    /// on the state the device is in.
    package var stateDependence = 0.005
    /// The part of the devices that never switch.
    package var deadDeviceFraction = 0.001
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
