// SPDX-License-Identifier: Apache-2.0

/// Where bits come from. The raw values are those of the wire formats.
public enum Provenance: UInt8, Sendable, CaseIterable, Codable {
    /// An array of devices on a board.
    case hardware = 0
    /// A model of an array. Such bits are not random.
    case simulated = 1
    /// A recording. Such bits have been seen before.
    case replay = 2
    /// A generator of the host that is no board of this project.
    case host = 3

    /// The name used in output and configuration.
    public var name: String {
        switch self {
        case .hardware: "hardware"
        case .simulated: "simulated"
        case .replay: "replay"
        case .host: "host"
        }
    }

    /// Whether bits of this provenance may be used as random ones without being asked for.
    public var isGenuine: Bool {
        switch self {
        case .hardware, .host: true
        case .simulated, .replay: false
        }
    }
}

/// What was done to bits before they are handed out. The raw values are those of the wire formats.
public enum Grade: UInt8, Sendable, CaseIterable, Codable {
    /// Health-tested and masked, not conditioned: as biased as the devices are.
    case raw = 0
    /// Conditioned to full entropy (SP 800-90C): 256 bits from at least 320 credited ones.
    case full = 1
    /// The output of a deterministic generator seeded from `full`.
    case expand = 2

    /// The name used in output and on the command line.
    public var name: String {
        switch self {
        case .raw: "raw"
        case .full: "full"
        case .expand: "expand"
        }
    }

    /// The grade of that name, if there is one.
    public init?(name: String) {
        guard let grade = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = grade
    }
}
