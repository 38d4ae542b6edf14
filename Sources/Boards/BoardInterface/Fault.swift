// SPDX-License-Identifier: Apache-2.0

/// A fault that can be injected into a simulated board: in single devices, in the whole array, or in frames.
package enum Fault: Sendable, Equatable {
    // The named lanes.
    /// The lane's bit is always 0, or always 1.
    case stuckAt0
    case stuckAt1
    /// The device changes at random, every few windows, between its usual probability of switching and
    /// one of a quarter.
    case telegraph
    /// The device forgets its state between shots and falls into the one its stray field prefers.
    case retentionLoss
    /// The oxide breaks down: the resistance falls to a fifth. The bits stay as they are.
    case resistanceCollapse

    // The whole array.
    /// No pulse reaches the devices.
    case driveLoss
    /// Pulses are twice as long as they are set.
    case pulseTooLong
    /// A disturbance of supply or field moves the probability of all devices together.
    case commonMode
    /// The temperature moves to this, in K, evenly over the duration of the order, and stays.
    case temperature(kelvin: Double)

    // Frames.
    /// Every eighth frame is lost on its way.
    case droppedFrames
    /// Every eighth frame arrives with a bit changed.
    case corruptedFrames
    /// The board's own buffer overflows: every eighth frame is left out, and the next one says so.
    case overflow
    /// The board stops sending and does not say why.
    case stall
    /// The board goes away, as when its cable is pulled, and comes back at the end.
    case vanish

    /// Every fault but the temperature, by its name.
    private static let named: [(name: String, fault: Fault)] = [
        ("stuckAt0", .stuckAt0), ("stuckAt1", .stuckAt1), ("telegraph", .telegraph),
        ("retentionLoss", .retentionLoss), ("resistanceCollapse", .resistanceCollapse),
        ("driveLoss", .driveLoss), ("pulseTooLong", .pulseTooLong), ("commonMode", .commonMode),
        ("droppedFrames", .droppedFrames), ("corruptedFrames", .corruptedFrames),
        ("overflow", .overflow), ("stall", .stall), ("vanish", .vanish),
    ]

    /// What can be written for a fault, for help texts and messages.
    package static let names = named.map(\.name) + ["temperature=KELVIN"]

    /// The temperatures an array can be brought to, in K.
    package static let temperatures = 250.0...400.0

    /// - Parameter text: one of `names`. Nil for anything else, and for a temperature outside
    ///   `temperatures`.
    package init?(_ text: some StringProtocol) {
        if let match = Self.named.first(where: { $0.name == text }) {
            self = match.fault
            return
        }
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "temperature", let kelvin = Double(parts[1]),
            Self.temperatures.contains(kelvin)
        else { return nil }
        self = .temperature(kelvin: kelvin)
    }

    /// As it is written.
    package var text: String {
        if case .temperature(let kelvin) = self { return "temperature=\(kelvin)" }
        return Self.named.first { $0.fault == self }?.name ?? ""
    }

    /// Whether it hits single lanes, which an order has to name.
    package var isOfLanes: Bool {
        switch self {
        case .stuckAt0, .stuckAt1, .telegraph, .retentionLoss, .resistanceCollapse: true
        case .driveLoss, .pulseTooLong, .commonMode, .temperature, .droppedFrames,
            .corruptedFrames, .overflow, .stall, .vanish:
            false
        }
    }
}

/// A fault with where, when and how long. Times are counted in shots of the array: a board that is away
/// or silent comes back after the time in which it would have made that many.
package struct FaultOrder: Sendable, Equatable {
    package var fault: Fault
    /// The lanes it hits; empty for a fault of the whole array or of the frames.
    package var lanes: [Int]
    /// How many shots from now on it begins; from the start of the board in a script.
    package var afterShots: UInt64
    /// Nil: until it is cleared.
    package var forShots: UInt64?

    package init(
        _ fault: Fault, lanes: [Int] = [], afterShots: UInt64 = 0, forShots: UInt64? = nil
    ) {
        self.fault = fault
        self.lanes = lanes
        self.afterShots = afterShots
        self.forShots = forShots
    }

    /// The reason for which a board with `count` lanes cannot follow the order; nil when it can.
    package func defect(lanes count: Int) -> String? {
        if fault.isOfLanes {
            guard !lanes.isEmpty else { return "\(fault.text) needs lanes" }
            return lanes.first { !(0..<count).contains($0) }.map {
                "there is no lane \($0): the board has lanes 0 to \(count - 1)"
            }
        }
        return lanes.isEmpty ? nil : "\(fault.text) is not a fault of single lanes"
    }
}

/// A board that can be made to fail. Only boards whose provenance is `simulated` may conform.
package protocol FaultyBoard: Board {
    /// Follows an order, for which `defect` is nil. From the pipeline's thread, at any time from the
    /// first `open` on, also while the board is closed. Never waits.
    ///
    /// - Returns: false when too many orders hold or wait already, and this one is not followed.
    func inject(_ order: FaultOrder) -> Bool

    /// Ends all faults, also those to come, and leaves the temperature as it is. Called as `inject` is.
    func clearFaults()
}
