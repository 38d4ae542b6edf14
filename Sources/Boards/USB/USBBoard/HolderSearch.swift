// SPDX-License-Identifier: Apache-2.0

import EntropyTerms
import Glibc
import LinuxPlatform

/// The processes that have a device file open, as far as this user may see.
enum HolderSearch {
    enum Holder: Equatable {
        /// This process, for another of its boards.
        case thisProcess
        /// Others, as "usb-reader (process 123)"; none when they may not be known.
        case others([String])
    }

    /// - Parameter ending: how the path of the file ends: "/dev/bus/usb/001/004". This caller does not have it
    ///   open.
    static func holder(ofPathEnding ending: String) -> Holder {
        let own = getpid()
        if hasOpen(own, pathEnding: ending) { return .thisProcess }
        let holding = numbers(in: "/proc").filter { $0 != own && hasOpen($0, pathEnding: ending) }
        return .others(holding.map { "\(name(of: $0)) (process \($0))" })
    }

    private static func hasOpen(_ process: Int32, pathEnding ending: String) -> Bool {
        let folder = "/proc/\(process)/fd"
        return numbers(in: folder).contains { descriptor in
            target(of: "\(folder)/\(descriptor)")?.hasSuffix(ending) ?? false
        }
    }

    /// The entries of a folder that are numbers; none of a folder that may not be read.
    private static func numbers(in folder: String) -> [Int32] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = Int32(name) { found.append(number) }
        }
        return found
    }

    private static func target(of link: String) -> String? {
        withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink(link, base, buffer.count)
            return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
        }
    }

    private static func name(of process: Int32) -> String {
        RunningProcess(process)?.command.printable ?? "a program"
    }
}
