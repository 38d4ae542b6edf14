// SPDX-License-Identifier: Apache-2.0

/// What a pulse costs in one device: charging its capacitance, and the current that leaks through its barrier.
public struct DevicePulse: Sendable, Equatable {
    /// In V.
    public var amplitude: Double
    /// In s.
    public var width: Double
    /// In F.
    public var capacitance: Double
    /// In Ω; taken as independent of the voltage.
    public var resistance: Double

    /// A pulse through a device.
    public init(amplitude: Double, width: Double, capacitance: Double, resistance: Double) {
        self.amplitude = amplitude
        self.width = width
        self.capacitance = capacitance
        self.resistance = resistance
    }

    /// ½CV², in J.
    public var chargeEnergy: Double { capacitance * amplitude * amplitude / 2 }
    /// V²t/R, in J.
    public var leakageEnergy: Double { amplitude * amplitude * width / resistance }
    /// Both, in J.
    public var energy: Double { chargeEnergy + leakageEnergy }

    /// The capacitance of a round dot over an oxide of MgO, ε₀·9.7·A/t, in F.
    ///
    /// - Parameters:
    ///   - diameter: in m.
    ///   - oxide: its thickness in m.
    public static func capacitance(diameter: Double, oxide: Double) -> Double {
        8.854_187_8e-12 * 9.7 * (.pi / 4 * diameter * diameter) / oxide
    }
}

/// What a delivered bit costs in raw ones.
public struct BitAccounting: Sendable, Equatable {
    /// Min-entropy claimed of a raw bit, in bits.
    public var claimedEntropyPerBit: Double
    /// The number of lanes that are combined into one.
    public var xorFold: Int
    /// Credited bits that go into the conditioner for one that comes out: 320 for 256.
    public static let creditedPerDelivered = 320.0 / 256.0

    /// The accounting of a board with this claim.
    public init(claimedEntropyPerBit: Double, xorFold: Int = 1) {
        self.claimedEntropyPerBit = claimedEntropyPerBit
        self.xorFold = xorFold
    }

    /// Raw bits for each delivered one.
    public var rawPerDelivered: Double {
        Self.creditedPerDelivered * Double(xorFold) / claimedEntropyPerBit
    }
}

/// What was measured on this machine, in the same run as the table is made.
public struct MachineSpeeds: Sendable, Equatable {
    /// SHA-256 of long messages by one core, in bytes of input a second.
    public var hashBytesPerSecond: Double
    /// Bits of the grade `full` that the daemon handed over, in bytes for each second of processor time that the reader
    /// used; nil when no daemon was asked.
    public var socketBytesPerSecond: Double?
    /// Processor time of the network for one image, in s; nil when no model was run.
    public var secondsPerImage: Double?
    /// Pulses of single devices that an image takes; nil as above.
    public var pulsesPerImage: Double?
    /// Delivered bits that an image takes; nil as above.
    public var bitsPerImage: Double?
    /// The power of one busy core, in W. An assumption: virtual machines have no meter (RAPL).
    public var wattsPerCore: Double

    /// Speeds of a machine.
    public init(
        hashBytesPerSecond: Double, socketBytesPerSecond: Double? = nil, secondsPerImage: Double? = nil,
        pulsesPerImage: Double? = nil, bitsPerImage: Double? = nil, wattsPerCore: Double = 5
    ) {
        self.hashBytesPerSecond = hashBytesPerSecond
        self.socketBytesPerSecond = socketBytesPerSecond
        self.secondsPerImage = secondsPerImage
        self.pulsesPerImage = pulsesPerImage
        self.bitsPerImage = bitsPerImage
        self.wattsPerCore = wattsPerCore
    }
}

/// A table of what random bits and images cost, each figure with where it comes from.
///
/// Devices alone and whole systems are in different groups, and no ratio is made between them. Energy a bit and area are
/// two columns: "per area" means different things to different people.
public struct EnergyTable: Sendable, Codable, Equatable {
    /// Where a figure comes from.
    public enum Basis: String, Sendable, Codable, CaseIterable {
        /// In this run, on this machine.
        case measured
        /// By a formula from quantities of the simulated device.
        case modelled
        /// Published; the source says by whom, and whether it was measured or simulated there.
        case literature
        /// A speed that was measured, at a power that is an assumption.
        case assumed
    }

    /// What an energy is of.
    public enum Unit: String, Sendable, Codable {
        case rawBit = "raw bit"
        case deliveredBit = "delivered bit"
        case transferredBit = "bit on the way"
        case image

        /// With its article, such as "a raw bit".
        public var withArticle: String { self == .image ? "an image" : "a \(rawValue)" }
    }

    /// A line of the table.
    public struct Row: Sendable, Codable, Equatable {
        /// What costs it.
        public let part: String
        /// In J; nil where nothing is known.
        public let energy: Double?
        /// What the energy is of.
        public let unit: Unit
        /// In µm²; nil where nothing is known.
        public let area: Double?
        /// Where the figures come from.
        public let basis: Basis
        /// Voltage, node, measured or simulated.
        public let conditions: String
        /// The formula, or the publication.
        public let source: String

        /// Energy times area in J·µm²; nil where one of them is not known.
        public var product: Double? { energy.flatMap { energy in area.map { energy * $0 } } }
    }

    /// Rows that may be compared with one another.
    public struct Group: Sendable, Codable, Equatable {
        /// What the rows are about.
        public let title: String
        /// In the order in which they are shown.
        public let rows: [Row]
    }

    /// The rows, in groups.
    public let groups: [Group]
    /// What follows from the figures, in sentences.
    public let conclusions: [String]
}
