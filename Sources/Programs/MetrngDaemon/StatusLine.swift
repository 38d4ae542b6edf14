// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import EntropyTerms

/// The status line that `systemctl status` shows: what the daemon serves, and to how many clients.
func statusLine(_ report: StatusReport) -> String {
    let boards = report.boards
    guard !boards.isEmpty else { return "no board is configured; nothing is served" }
    let serving = boards.filter(\.serves)
    let troubled = boards.first { $0.cause != nil }
    if let troubled {
        let others =
            serving.isEmpty ? "nothing is served" : report.service.whatIsServed(by: serving)
        return "\(troubled.name): \((troubled.cause ?? "").printable); \(others)"
    }
    guard serving.count == boards.count else {
        return "testing the lanes of \(names(boards.filter { !$0.serves }))"
    }
    return report.service.whatIsServed(by: serving)
}

extension ServiceStatus {
    fileprivate func whatIsServed(by boards: [BoardStatus]) -> String {
        let whom =
            switch clients {
            case 0: "; no client is connected"
            case 1: " to 1 client"
            default: " to \(clients) clients"
            }
        return "\(names(boards)) \(verb(boards))\(whom)"
    }
}

private func names(_ boards: [BoardStatus]) -> String {
    boards.map(\.name).joined(separator: ", ")
}

/// The verb phrase for these boards, with the provenances of their bits.
private func verb(_ boards: [BoardStatus]) -> String {
    let kinds = Set(boards.map(\.provenance.name)).sorted().joined(separator: " and ")
    return "\(boards.count == 1 ? "serves" : "serve") \(kinds) bits"
}

extension BoardStatus {
    /// Whether clients can get its bits, including those left from a recording that has ended and from
    /// before its source fell silent.
    fileprivate var serves: Bool {
        switch state {
        case .serving, .idle: true
        case .waiting, .ended: rings.contains { $0.availableBytes > 0 }
        case .tuning, .starting, .unhealthy, .calibrating, .leased, .recording, .failed: false
        }
    }
}
