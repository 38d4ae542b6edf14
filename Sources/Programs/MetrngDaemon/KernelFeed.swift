// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import DaemonConfiguration
import EntropyRing
import KernelFeeding
import LinuxPlatform
import Logging

extension Daemon {
    /// Starts feeding the kernel, if configured. The entropy server must be serving already.
    static func feedKernel(
        _ status: DaemonStatus, _ settings: DaemonSettings, logger: Logger
    ) throws(SystemError) -> KernelFeedThread? {
        guard settings.kernel.feed else { return nil }
        let sources = status.units.map(\.source)
        let feeder = try KernelFeeder(
            KernelFeeder.Settings(
                intervalSeconds: settings.kernel.intervalSeconds, byteCount: settings.kernel.bytes,
                locked: settings.rings.lockMemory == .required
                    || sources.contains { $0.channels.contains(where: \.ring.isLocked) }),
            from: KernelFeeder.Supply(path: status.entropyPath) {
                Set(sources.filter(\.isOpen).map(\.name))
            },
            to: KernelPool()
        ) { record in
            let line = record.logLine
            logger.log(line.event, line.level, "kernel: \(line.text)")
        }
        status.attach(feeder)
        return try KernelFeedThread(feeder)
    }
}

extension KernelFeeder.Record {
    /// The log line, written when the outcome changes.
    fileprivate var logLine: LogLine {
        guard let refusal else {
            return LogLine(
                .kernelFeeding, .info,
                "feeding its generator, with a credit of 8 bits per byte")
        }
        let remedy = refusal.remedy.map { "; \($0)" } ?? ""
        return LogLine(.kernelFeeding, .warning, "not fed: \(refusal.cause)\(remedy)")
    }
}

extension KernelFeeder {
    /// The status of feeding, for the control interface.
    var status: KernelFeedStatus {
        let record = self.record
        return KernelFeedStatus(
            intervalSeconds: settings.intervalSeconds, contributions: record.contributions,
            bytes: record.bytes, creditedBits: record.creditedBits, lastFed: record.lastFed,
            cause: record.refusal?.cause, remedy: record.refusal?.remedy)
    }
}
