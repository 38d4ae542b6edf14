// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the kernel tells about another process (proc_pid_stat(5)).
package struct RunningProcess: Equatable {
    /// The name of its program, at most 15 bytes, which it may have chosen itself.
    package let command: String
    /// When it began, in seconds since the machine did, to a hundredth.
    package let start: Double

    /// - Returns: nil when there is none of that number, or it is not to be seen.
    package init?(_ processID: Int32) {
        guard let text = Self.contents("/proc/\(processID)/stat") else { return nil }
        self.init(stat: text, ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))))
    }

    /// - Parameter stat: the content of /proc/PID/stat.
    package init?(stat: String, ticksPerSecond: Double) {
        // The name is in parentheses, and may have some itself, and spaces, and marks that would make one
        // character of a parenthesis and what follows.
        let text = stat.unicodeScalars
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        // The start is field 22; the first after the name is field 3.
        guard fields.count > 19, let ticks = Double(String(fields[19])) else { return nil }
        command = String(text[text.index(after: open)..<close])
        start = ticks / ticksPerSecond
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

/// The name of the group of a file; nil when there is no such file, or it is not to be seen, or root's.
package func groupOfFile(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_gid != 0 else { return nil }
    return getgrgid(status.st_gid).map { String(cString: $0.pointee.gr_name) }
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
