// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// Where bits come from.
package enum ReportedProvenance: String, Codable, Sendable, CaseIterable {
    /// Devices on a board.
    case hardware
    /// A model of devices: not random.
    case simulated
    /// A recording: bits that somebody has already.
    case replay
    /// A random number generator of this machine.
    case host
}

/// What a board is doing.
package enum BoardState: String, Codable, Sendable, CaseIterable {
    /// The trims of its lanes are being learned.
    case tuning
    /// Its lanes are in their start-up test.
    case starting
    /// It is read.
    case serving
    /// The rings are full, so it rests.
    case idle
    /// Too few lanes are good: nothing is served.
    case unhealthy
    /// Operating points are measured; nothing is served meanwhile.
    case calibrating
    /// Its frames go to a recording, and nothing new is served meanwhile.
    case recording
    /// It gives no frames.
    case failed
    /// The recording has ended.
    case ended

    /// Whether metrngd has the board open, as far as it is of use.
    package var isOpen: Bool { self != .failed && self != .ended }

    /// Whether the board gives bits, or will without anybody doing anything.
    package var isHealthy: Bool {
        switch self {
        case .tuning, .starting, .serving, .idle, .calibrating, .recording: true
        case .unhealthy, .failed, .ended: false
        }
    }
}

/// What a board does and has done since the daemon started.
package struct BoardStatus: Codable, Sendable, Equatable {
    /// The most failures listed.
    package static let reportedFailures = 5

    package var name: String
    package var kind: String
    package var provenance: ReportedProvenance
    package var state: BoardState
    /// In seconds since the Unix epoch.
    package var stateSince: Double
    /// What is wrong; nil when nothing is.
    @Nullable package var cause: String?
    /// What to try next.
    @Nullable package var remedy: String?
    package var serial: String
    package var path: String
    package var firmware: String
    /// 0 while it is not known, before the board was opened.
    package var lanes: Int
    package var laneCounts: LaneCounts
    /// With fewer, nothing is served.
    package var minimumGoodLanes: Int
    package var healthEpoch: Int
    /// Nil while it is not known, and for a board that is not driven.
    @Nullable package var operatingPoint: OperatingPoint?
    /// Likewise.
    @Nullable package var encoding: String?
    @Nullable package var temperatureCelsius: Double?
    package var claimedEntropyPerBit: Double
    /// How many lanes make one by XOR; 1 folds nothing.
    package var xorFold: Int
    package var shots: Int
    package var shotsPerSecond: Double
    package var rawBytesPerSecond: Double
    package var framesAccepted: Int
    package var framesRejected: Int
    package var shotsDropped: Int
    package var creditedBits: Int
    /// In seconds; nil before the first bit.
    @Nullable package var newestBitAge: Double?
    package var rings: [RingStatus]
    /// The newest first; at most `reportedFailures`. The health of the board has more.
    package var lastFailures: [AlarmReport]
    @Nullable package var lastWarning: AlarmReport?

    package init(
        name: String, kind: String, provenance: ReportedProvenance, state: BoardState,
        stateSince: Double, cause: String?, remedy: String?, serial: String, path: String,
        firmware: String, lanes: Int, laneCounts: LaneCounts, minimumGoodLanes: Int,
        healthEpoch: Int, operatingPoint: OperatingPoint?, encoding: String?,
        temperatureCelsius: Double?, claimedEntropyPerBit: Double, xorFold: Int, shots: Int,
        shotsPerSecond: Double, rawBytesPerSecond: Double, framesAccepted: Int,
        framesRejected: Int, shotsDropped: Int, creditedBits: Int, newestBitAge: Double?,
        rings: [RingStatus], lastFailures: [AlarmReport], lastWarning: AlarmReport?
    ) {
        self.name = name
        self.kind = kind
        self.provenance = provenance
        self.state = state
        self.stateSince = stateSince
        self.cause = cause
        self.remedy = remedy
        self.serial = serial
        self.path = path
        self.firmware = firmware
        self.lanes = lanes
        self.laneCounts = laneCounts
        self.minimumGoodLanes = minimumGoodLanes
        self.healthEpoch = healthEpoch
        self.operatingPoint = operatingPoint
        self.encoding = encoding
        self.temperatureCelsius = temperatureCelsius
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.xorFold = xorFold
        self.shots = shots
        self.shotsPerSecond = shotsPerSecond
        self.rawBytesPerSecond = rawBytesPerSecond
        self.framesAccepted = framesAccepted
        self.framesRejected = framesRejected
        self.shotsDropped = shotsDropped
        self.creditedBits = creditedBits
        self.newestBitAge = newestBitAge
        self.rings = rings
        self.lastFailures = lastFailures
        self.lastWarning = lastWarning
    }
}

/// How many lanes are in each state. Only good and warned lanes give bits.
package struct LaneCounts: Codable, Sendable, Equatable {
    package var starting: Int
    package var good: Int
    package var warned: Int
    package var failed: Int

    package init(
        starting: Int, good: Int, warned: Int, failed: Int
    ) {
        self.starting = starting
        self.good = good
        self.warned = warned
        self.failed = failed
    }
}

/// A buffer of finished bits of one grade.
package struct RingStatus: Codable, Sendable, Equatable {
    package var grade: String
    package var capacityBytes: Int
    package var availableBytes: Int
    /// Handed to clients since the start.
    package var deliveredBytes: Int
    package var deliveredBytesPerSecond: Double

    package init(
        grade: String, capacityBytes: Int, availableBytes: Int, deliveredBytes: Int,
        deliveredBytesPerSecond: Double
    ) {
        self.grade = grade
        self.capacityBytes = capacityBytes
        self.availableBytes = availableBytes
        self.deliveredBytes = deliveredBytes
        self.deliveredBytesPerSecond = deliveredBytesPerSecond
    }
}
