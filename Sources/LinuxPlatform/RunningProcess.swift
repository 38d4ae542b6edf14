// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the kernel tells about another process (proc_pid_stat(5)).
package struct RunningProcess: Equatable {
    /// The name of its program, at most 15 bytes, which it may have chosen itself.
    package let command: String
    /// In seconds since the Unix epoch, to a hundredth.
    package let startTime: Double

    /// - Returns: nil when there is none of that number, or it is not to be seen.
    package init?(_ processID: Int32) {
        guard let text = Self.contents("/proc/\(processID)/stat") else { return nil }
        self.init(
            stat: text, bootTime: secondsSinceEpoch() - secondsSinceBoot(),
            ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))))
    }

    /// - Parameters:
    ///   - stat: the content of /proc/PID/stat.
    ///   - bootTime: in seconds since the Unix epoch.
    package init?(stat: String, bootTime: Double, ticksPerSecond: Double) {
        // The name is in parentheses, and may have some itself, and spaces.
        guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")"), open < close
        else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        // The start is field 22; the first after the name is field 3.
        guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
        command = String(stat[stat.index(after: open)..<close])
        startTime = bootTime + ticks / ticksPerSecond
    }

    private static func contents(_ path: String) -> String? {
        let raw = open(path, O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        let file = Descriptor(owning: raw)
        // All of it is there at once: some fifty numbers and a short name.
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(file.raw, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

/// The name of a user; nil when the machine knows none of that number.
package func userName(_ userID: UInt32) -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var memory = [CChar](repeating: 0, count: 16384)
    guard getpwuid_r(userID, &entry, &memory, memory.count, &found) == 0, found != nil,
        let name = entry.pw_name
    else { return nil }
    return String(cString: name)
}
