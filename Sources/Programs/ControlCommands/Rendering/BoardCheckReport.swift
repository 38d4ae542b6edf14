// SPDX-License-Identifier: Apache-2.0

import BoardCheck
import BoardInterface
import BoardProtocol
package import ControlInterface
import USBBoard

/// What came of running a board through the document of MEB/1.
package struct BoardCheckReport: Codable, Sendable, Equatable {
    package struct Check: Codable, Sendable, Equatable {
        package var name: String
        /// `passed`, `failed` or `notOffered`.
        package var verdict: String
        /// What was found instead of what belongs there; nil unless it failed.
        @Nullable package var found: String?

        init(_ result: BoardChecker.Result) {
            name = result.check
            switch result.verdict {
            case .passed: verdict = "passed"
            case .notOffered: verdict = "notOffered"
            case .failed(let finding):
                verdict = "failed"
                found = finding
            }
        }
    }

    /// Serial number and place.
    package var board: String
    package var product: String
    package var firmware: String
    package var lanes: Int
    /// Whether the board says of itself that it is.
    package var simulated: Bool
    package var checks: [Check]
    package var passed: Int
    package var failed: Int
    package var notOffered: Int

    /// Does the checks.
    init(_ checker: BoardChecker, of access: BoardAccess) throws(BoardError) {
        let info = checker.info
        board = access.name
        product = access.product
        firmware = "\(info.firmware.major).\(info.firmware.minor)"
        lanes = info.lanes
        simulated = info.features.contains(.simulated)
        let checks = try checker.run().map { Check($0) }
        self.checks = checks
        func count(_ verdict: String) -> Int { checks.count { $0.verdict == verdict } }
        passed = count("passed")
        failed = count("failed")
        notOffered = count("notOffered")
    }
}

func boardCheckText(_ report: BoardCheckReport) -> String {
    let note = report.simulated ? "; reports itself as SIMULATED: its bits are not random" : ""
    let head =
        "\(printable(report.board)), firmware \(report.firmware), \(report.lanes) lanes\(note)\n"
    let lines = report.checks.map { check in
        switch check.verdict {
        case "passed": "ok           \(check.name)\n"
        case "notOffered": "not offered  \(check.name)\n"
        default: "FAILED       \(check.name): \(printable(check.found ?? ""))\n"
        }
    }
    return head + lines.joined()
        + "\(report.passed) passed, \(report.failed) failed, \(report.notOffered) not offered\n"
}
