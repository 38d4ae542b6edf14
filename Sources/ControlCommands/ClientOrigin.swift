// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import LinuxPlatform
import SystemdSupport

extension ClientStatus {
    /// How much later than its connection a process may seem to have begun: the clock may have been set, and
    /// the kernel counts in hundredths of a second.
    private static let tolerance = 2.0

    /// With what this machine knows of the process: user, unit and command. A process that began after the
    /// connection is another one, to which the number went when the first had ended.
    func identified() -> ClientStatus {
        var status = self
        status.user = UInt32(exactly: userId).flatMap(userName)
        guard let processID = Int32(exactly: processId), processID > 0,
            let process = RunningProcess(processID), process.startTime <= since + Self.tolerance
        else { return status }
        status.command = process.command
        status.unit = systemdUnit(ofProcess: processID)
        return status
    }
}

extension StatusReport {
    /// With what the console knows of the clients.
    func identified(by console: Console) -> StatusReport {
        var report = self
        report.service.topClients = service.topClients.map(console.identify)
        return report
    }
}
