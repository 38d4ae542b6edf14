// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import EntropyTerms
package import LinuxPlatform
package import OperatingPointControl

/// Measures the lanes of a board at every width and every amplitude, and proposes an operating point. The board goes
/// back to its own afterwards; nothing is served meanwhile.
package struct Calibrate: BoardOperation, Equatable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case amplitudes, widths, shotsPerPoint
    }

    package struct Reply: Codable, Sendable, Equatable {
        package var pointsDone: Int
        /// 0 until the pipeline has begun.
        package var pointsTotal: Int
        /// The result; nil before.
        @Nullable package var sweep: SweepReport?

        package init(pointsDone: Int, pointsTotal: Int, sweep: SweepReport?) {
            self.pointsDone = pointsDone
            self.pointsTotal = pointsTotal
            self.sweep = sweep
        }
    }

    package static let method = "Calibrate"
    package static let firstReply: Reply? = Reply(pointsDone: 0, pointsTotal: 0, sweep: nil)

    package static let maximumPoints = 4096
    /// The numbers of shots for which a point can be measured.
    package static let shotLimits = 1_024...10_000_000

    /// In mV; nil for that of the board.
    package var amplitudes: SweepRange?
    /// In ps; nil for that of the board.
    package var widths: SweepRange?
    /// Rounded down to whole windows.
    package var shotsPerPoint: Int

    package init(amplitudes: SweepRange?, widths: SweepRange?, shotsPerPoint: Int) {
        self.amplitudes = amplitudes
        self.widths = widths
        self.shotsPerPoint = shotsPerPoint
    }

    /// The number of points; overflows for ranges that are not valid.
    package var points: Int { (amplitudes?.count ?? 1) * (widths?.count ?? 1) }

    package func prepare(file: Descriptor?) throws(BoardOperationError) {
        guard amplitudes?.isValid ?? true else { throw .badParameter("amplitudes") }
        guard widths?.isValid ?? true, points <= Self.maximumPoints else {
            throw .badParameter("widths")
        }
        guard Self.shotLimits.contains(shotsPerPoint) else { throw .badParameter("shotsPerPoint") }
    }

    /// The points to measure on a board that is driven at `present`.
    package func plan(from present: OperatingPoint, windowShots: Int) -> SweepPlan {
        SweepPlan(
            amplitudes: amplitudes?.values ?? [present.amplitudeMillivolts],
            widths: widths?.values ?? [present.pulseWidthPicoseconds],
            biasField: present.biasFieldMicrotesla, windowsPerPoint: shotsPerPoint / windowShots)
    }
}

/// `count` values from `from` to `to`, at equal distances.
package struct SweepRange: Codable, Sendable, Equatable {
    package var from: Double
    package var to: Double
    package var count: Int

    package init(from: Double, to: Double, count: Int) {
        self.from = from
        self.to = to
        self.count = count
    }

    package var values: [Double] {
        let step = count > 1 ? (to - from) / Double(count - 1) : 0
        return (0..<count).map { from + Double($0) * step }
    }

    /// Whether the values are finite, and no more than a sweep can have. A single value has equal ends.
    package var isValid: Bool {
        from.isFinite && to.isFinite && (1...Calibrate.maximumPoints).contains(count)
            && (count > 1 || from == to) && (to - from).isFinite
    }
}

/// A sweep, and the board that was measured: the members of both in one object.
@dynamicMemberLookup
package struct SweepReport: Codable, Sendable, Equatable {
    package var name: String
    package var provenance: Provenance
    package var sweep: Sweep

    package init(name: String, provenance: Provenance, sweep: Sweep) {
        self.name = name
        self.provenance = provenance
        self.sweep = sweep
    }

    package subscript<Member>(dynamicMember member: WritableKeyPath<Sweep, Member>) -> Member {
        get { sweep[keyPath: member] }
        set { sweep[keyPath: member] = newValue }
    }

    private struct Board: Codable {
        let name: String
        @ByName var provenance: Provenance
    }

    package init(from decoder: any Decoder) throws {
        let board = try Board(from: decoder)
        self.init(name: board.name, provenance: board.provenance, sweep: try Sweep(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        try Board(name: name, provenance: provenance).encode(to: encoder)
        try sweep.encode(to: encoder)
    }
}
