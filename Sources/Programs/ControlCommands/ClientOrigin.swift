// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import LinuxPlatform
import SystemdSupport

extension ClientStatus {
    /// How much later than its connection a process may seem to have begun, in seconds: the kernel counts in
    /// hundredths, and the report took a while.
    private static let tolerance = 0.05

    /// With what this machine knows of the process: user, unit and command. A process that began after the
    /// connection is another one, to which the number went when the first had ended.
    func identified() -> ClientStatus {
        var status = self
        status.user = UInt32(exactly: userId).flatMap(userName)
        guard let processID = Int32(exactly: processId), processID > 0,
            let process = RunningProcess(processID),
            process.start <= secondsSinceBoot() - age + Self.tolerance
        else { return status }
        status.command = process.command
        status.unit = systemdUnit(ofProcess: processID)
        return status
    }
}

extension StatusReport {
    /// With what the console knows of the clients. In another container than the daemon's, its numbers of
    /// processes mean others: where its own is none of a metrngd, nothing is looked up.
    func identified(by console: Console) -> StatusReport {
        guard console.isDaemon(service.processId) else { return self }
        var report = self
        report.service.topClients = service.topClients.map(console.identify)
        for board in boards.indices {
            for lease in boards[board].leases.indices {
                report.boards[board].leases[lease].user = UInt32(exactly: boards[board].leases[lease].userId)
                    .flatMap(userName)
            }
        }
        return report
    }
}
