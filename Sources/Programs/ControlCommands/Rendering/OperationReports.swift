// SPDX-License-Identifier: Apache-2.0

import BoardInterface
package import BoardProtocol
package import ControlInterface
import EntropyTerms

/// The operating point of a board.
package struct OperatingPointReport: Codable, Sendable, Equatable {
    package var name: String
    package var provenance: ReportedProvenance
    package var operatingPoint: OperatingPoint

    package init(
        name: String, provenance: ReportedProvenance, operatingPoint: OperatingPoint
    ) {
        self.name = name
        self.provenance = provenance
        self.operatingPoint = operatingPoint
    }
}

/// A fault of a board, present or pending.
package struct FaultReport: Codable, Sendable, Equatable {
    package var name: String
    /// `none` when all faults were ended.
    package var fault: String
    package var lanes: [Int]
    package var afterShots: Int
    @Nullable package var forShots: Int?

    package init(name: String, _ request: FaultRequest) {
        self.name = name
        fault = request.fault
        lanes = request.lanes
        afterShots = request.afterShots
        forShots = request.forShots
    }
}

/// What was recorded.
package struct RecordReport: Codable, Sendable, Equatable {
    package var name: String
    package var provenance: ReportedProvenance
    package var file: String
    /// The shots of all starts.
    package var shots: Int
    /// Number of starts of the board; 1 without restarts.
    package var restarts: Int
    package var bytes: Int

    package init(
        name: String, provenance: ReportedProvenance, file: String, shots: Int, restarts: Int,
        bytes: Int
    ) {
        self.name = name
        self.provenance = provenance
        self.file = file
        self.shots = shots
        self.restarts = restarts
        self.bytes = bytes
    }
}

func operatingPointText(_ report: OperatingPointReport) -> String {
    banner([(report.name, report.provenance)])
        + "\(printable(report.name)): \(pulses(report.operatingPoint))\n"
}

/// Amplitude, width and field in their units.
func pulses(_ point: OperatingPoint) -> String {
    "\(decimal(point.amplitudeMillivolts, places: 0)) mV,"
        + " \(decimal(point.pulseWidthPicoseconds, places: 0)) ps,"
        + " \(grouped(Int(clamping: point.biasFieldMicrotesla.rounded()))) µT"
}

func faultText(_ report: FaultReport) -> String {
    let name = printable(report.name)
    guard report.fault != FaultRequest.none else { return "\(name): all faults ended\n" }
    let lanes = report.lanes.isEmpty ? "" : " on lanes \(LaneList.text(report.lanes))"
    let beginning =
        report.afterShots == 0 ? "from now" : "after \(grouped(report.afterShots)) shots"
    return "\(name): \(printable(report.fault))\(lanes), \(beginning), \(duration(report))\n"
}

/// The duration in words. A temperature moves over it, and then stays.
private func duration(_ report: FaultReport) -> String {
    let staysThere = report.fault.hasPrefix("temperature")
    guard let shots = report.forShots else {
        return staysThere ? "at once" : "until mectl inject none"
    }
    return "\(staysThere ? "in" : "for") \(grouped(shots)) shots"
}

func recordingText(_ report: RecordReport) -> String {
    let starts = report.restarts > 1 ? " of \(grouped(report.restarts)) starts" : ""
    return banner([(report.name, report.provenance)])
        + "\(printable(report.name)): \(grouped(report.shots)) shots\(starts) in"
        + " \(printable(report.file)), \(quantity(Double(report.bytes), "B"))\n"
}

/// - Parameter what: the samples that were exported, in words.
func exportText(
    _ what: String, of board: BoardDescription, lane: Int, in file: String
) -> String {
    let provenance = ReportedProvenance(rawValue: board.provenance.name)
    return banner(provenance.map { [(board.serial, $0)] } ?? [])
        + "lane \(lane) of \(printable(board.kind)) board \(printable(board.serial)):"
        + " \(what) in \(printable(file))\n"
}
