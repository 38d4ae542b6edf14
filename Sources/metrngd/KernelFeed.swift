// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import DaemonConfiguration
import EntropyRing
import KernelFeeding
import LinuxPlatform
import Logging

extension Daemon {
    /// Starts the feeding of the kernel, if it is to be fed. The entropy server has to serve already.
    static func feedKernel(
        _ status: DaemonStatus, _ settings: DaemonSettings, logger: Logger
    ) throws(SystemError) -> KernelFeedThread? {
        guard settings.kernel.feed else { return nil }
        let sources = status.units.map(\.source)
        let feeder = try KernelFeeder(
            KernelFeeder.Settings(
                intervalSeconds: settings.kernel.intervalSeconds, byteCount: settings.kernel.bytes,
                locked: settings.rings.lockMemory == .required
                    || sources.contains { $0.full.isLocked }),
            from: KernelFeeder.Supply(path: status.entropyPath) {
                Set(sources.filter(\.isOpen).map(\.name))
            },
            to: KernelPool()
        ) { record in
            let (level, text) = record.logLine
            logger.log(.kernelFeeding, level, "kernel: \(text)")
        }
        status.attach(feeder)
        return try KernelFeedThread(feeder)
    }
}

extension KernelFeeder.Record {
    /// What is logged when it is news.
    fileprivate var logLine: (Logger.Level, String) {
        guard let refusal else {
            return (.info, "its generator is fed, and credited with 8 bits for each byte")
        }
        let remedy = refusal.remedy.map { "; \($0)" } ?? ""
        return (.warning, "not fed: \(refusal.cause)\(remedy)")
    }
}

extension KernelFeeder {
    /// The feeding in the words of the control interface.
    var status: KernelFeedStatus {
        let record = self.record
        return KernelFeedStatus(
            intervalSeconds: settings.intervalSeconds, contributions: record.contributions,
            bytes: record.bytes, creditedBits: record.creditedBits, lastFed: record.lastFed,
            cause: record.refusal?.cause, remedy: record.refusal?.remedy)
    }
}
