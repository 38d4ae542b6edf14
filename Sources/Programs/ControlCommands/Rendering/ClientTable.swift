// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// How many clients are shown; others are counted.
private let shownClients = 8

/// The clients, those that drew most first, one per line below the line that counts them.
func clientTable(_ service: ServiceStatus) -> String {
    let shown = service.topClients.prefix(shownClients)
    guard !shown.isEmpty else { return "" }
    let header = ["PROCESS", "USER", "UNIT", "COMMAND", "SINCE", "BYTES", "NOW", "CLIENT"]
    let rows = shown.map(clientRow)
    let others = service.clients - shown.count
    let rest = others > 0 ? "  and \(others) more; mectl status --json lists more\n" : ""
    return table(
        ([header] + rows).map { [""] + $0 },
        [.left, .right, .left, .left, .left, .right, .right, .right, .left]) + rest
}

private func clientRow(_ client: ClientStatus) -> [String] {
    [
        client.processId == 0 ? "?" : "\(client.processId)",
        printable(client.user ?? "\(client.userId)"), printable(client.unit ?? "-"),
        printable(client.command ?? "-"), duration(client.age),
        quantity(Double(client.deliveredBytes), "B"),
        quantity(client.deliveredBytesPerSecond, "B/s"), printable(client.name ?? "-"),
    ]
}
