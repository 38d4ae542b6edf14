// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import EntropyTerms

/// What a board is doing.
package enum BoardState: String, Codable, Sendable, CaseIterable {
    /// The trims of its lanes are being learned.
    case tuning
    /// Its lanes are in their start-up test.
    case starting
    /// It is read, and bits are served.
    case serving
    /// The rings are full, and the board is not read.
    case idle
    /// Too few lanes are good: nothing is served.
    case unhealthy
    /// Operating points are measured; nothing is served meanwhile.
    case calibrating
    /// Clients have leased its lanes, and nothing new is served meanwhile.
    case leased
    /// Its frames go to a recording, and nothing new is served meanwhile.
    case recording
    /// The source that feeds it is silent; bits that are ready are served.
    case waiting
    /// It sends no frames.
    case failed
    /// The recording has ended.
    case ended

    /// Whether metrngd has the board open.
    package var isOpen: Bool { self != .failed && self != .ended }

    /// Whether the lanes that are good give bits, or would if the rings had room.
    package var isGivingBits: Bool {
        switch self {
        case .failed, .ended, .waiting, .calibrating, .tuning, .leased: false
        case .starting, .serving, .idle, .unhealthy, .recording: true
        }
    }

    /// Whether the board gives bits, or will without anybody's help.
    package var isHealthy: Bool {
        switch self {
        case .tuning, .starting, .serving, .idle, .calibrating, .leased, .recording: true
        case .unhealthy, .waiting, .failed, .ended: false
        }
    }
}

/// The state of a board, and its counts since the daemon started.
package struct BoardStatus: Codable, Sendable, Equatable {
    /// The most failures listed.
    package static let reportedFailures = 5

    package var name: String
    package var kind: String
    @ByName package var provenance: Provenance
    package var state: BoardState
    /// In seconds since the Unix epoch.
    package var stateSince: Double
    /// The reason for the state; nil when nothing is wrong.
    @Nullable package var cause: String?
    /// What to try next; nil when nothing is wrong.
    @Nullable package var remedy: String?
    package var serial: String
    package var path: String
    package var firmware: String
    /// 0 before the board was opened, where only the board can tell.
    package var lanes: Int
    package var laneCounts: LaneCounts
    /// The number of lanes that no trim brings to 50 % ones; they may be good nonetheless.
    package var untrimmableLanes: Int
    /// The number of good lanes below which nothing is served.
    package var minimumGoodLanes: Int
    package var healthEpoch: Int
    /// Nil before the board was opened, and for a board that is no array.
    @Nullable package var operatingPoint: OperatingPoint?
    /// What a bit says; nil as for the operating point.
    @Nullable package var encoding: String?
    @Nullable package var temperatureCelsius: Double?
    package var claimedEntropyPerBit: Double
    /// The least that the last whole period of 65,536 shots supports in any lane that gives bits; nil before, and
    /// without such a lane.
    @Nullable package var lowestLaneEntropyPerBit: Double?
    /// The number of lanes that are combined into one by XOR; 1 for no folding.
    package var xorFold: Int
    package var shots: Int
    package var shotsPerSecond: Double
    package var rawBytesPerSecond: Double
    package var framesAccepted: Int
    package var framesRejected: Int
    package var shotsDropped: Int
    /// Windows of good bits that were dropped because the rings were full while an operation needed the board read.
    package var windowsDropped: Int
    package var creditedBits: Int
    /// In seconds; nil before the first bit.
    @Nullable package var newestBitAge: Double?
    package var rings: [RingStatus]
    /// The newest first; at most `reportedFailures`. `BoardHealth` has more.
    package var lastFailures: [AlarmReport]
    @Nullable package var lastWarning: AlarmReport?
    /// In how many windows each test decided about a lane, over all lanes; tests that never did are left out.
    package var alarms: [AlarmCount]
    /// The provenance that the bits of a replayed recording had when they were recorded, by name; nil for other
    /// boards, and before the recording was opened.
    @Nullable package var recordedFrom: String?
    /// The lanes that clients have for themselves.
    package var leases: [LeaseStatus]

    package init(
        name: String, kind: String, provenance: Provenance, state: BoardState,
        stateSince: Double, cause: String?, remedy: String?, serial: String, path: String,
        firmware: String, lanes: Int, laneCounts: LaneCounts, untrimmableLanes: Int,
        minimumGoodLanes: Int,
        healthEpoch: Int, operatingPoint: OperatingPoint?, encoding: String?,
        temperatureCelsius: Double?, claimedEntropyPerBit: Double, lowestLaneEntropyPerBit: Double?,
        xorFold: Int, shots: Int, shotsPerSecond: Double, rawBytesPerSecond: Double, framesAccepted: Int,
        framesRejected: Int, shotsDropped: Int, windowsDropped: Int, creditedBits: Int, newestBitAge: Double?,
        rings: [RingStatus], lastFailures: [AlarmReport], lastWarning: AlarmReport?, alarms: [AlarmCount],
        recordedFrom: String? = nil, leases: [LeaseStatus] = []
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
        self.untrimmableLanes = untrimmableLanes
        self.minimumGoodLanes = minimumGoodLanes
        self.healthEpoch = healthEpoch
        self.operatingPoint = operatingPoint
        self.encoding = encoding
        self.temperatureCelsius = temperatureCelsius
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.lowestLaneEntropyPerBit = lowestLaneEntropyPerBit
        self.xorFold = xorFold
        self.shots = shots
        self.shotsPerSecond = shotsPerSecond
        self.rawBytesPerSecond = rawBytesPerSecond
        self.framesAccepted = framesAccepted
        self.framesRejected = framesRejected
        self.shotsDropped = shotsDropped
        self.windowsDropped = windowsDropped
        self.creditedBits = creditedBits
        self.newestBitAge = newestBitAge
        self.rings = rings
        self.lastFailures = lastFailures
        self.lastWarning = lastWarning
        self.alarms = alarms
        self.recordedFrom = recordedFrom
        self.leases = leases
    }
}

/// The number of lanes in each state. Only good and warned lanes give bits.
package struct LaneCounts: Codable, Sendable, Equatable {
    package var starting: Int
    package var good: Int
    package var warned: Int
    package var failed: Int
    package var leased: Int

    package init(
        starting: Int, good: Int, warned: Int, failed: Int, leased: Int = 0
    ) {
        self.starting = starting
        self.good = good
        self.warned = warned
        self.failed = failed
        self.leased = leased
    }
}

/// Lanes that a client has for itself.
package struct LeaseStatus: Codable, Sendable, Equatable {
    /// The number of lanes.
    package var lanes: Int
    /// The process that asked for them; 0 when the daemon cannot see it.
    package var processId: Int
    package var userId: Int
    /// The name of the user; nil when it is not known.
    @Nullable package var user: String?
    /// In seconds since the Unix epoch.
    package var since: Double
    /// How long it lasts unless it is renewed.
    package var secondsLeft: Double

    package init(lanes: Int, processId: Int, userId: Int, user: String? = nil, since: Double, secondsLeft: Double) {
        self.lanes = lanes
        self.processId = processId
        self.userId = userId
        self.user = user
        self.since = since
        self.secondsLeft = secondsLeft
    }
}

/// A buffer of finished bits of one grade.
package struct RingStatus: Codable, Sendable, Equatable {
    package var grade: String
    package var capacityBytes: Int
    package var availableBytes: Int
    /// Bytes handed to clients since the daemon started.
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
