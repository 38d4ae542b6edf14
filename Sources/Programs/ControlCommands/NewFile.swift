// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// A file that a verb makes. Nothing that is there already is ever overwritten.
struct NewFile {
    let path: String
    /// Open for writing.
    let descriptor: Descriptor

    init(_ path: String) throws(Failure) {
        self.path = path
        do {
            let raw = try system("create", path) {
                open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
            }
            descriptor = Descriptor(owning: raw)
        } catch {
            throw .file(error)
        }
    }

    func write(_ text: String) throws(Failure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            do {
                let count = try rest.withUnsafeBytes { bytes in
                    Result { () throws(SystemError) in
                        try system("write to", path) {
                            Glibc.write(descriptor.raw, bytes.baseAddress, bytes.count)
                        }
                    }
                }.get()
                rest = rest.dropFirst(count)
            } catch {
                throw .file(error)
            }
        }
    }

    /// Whether nothing was written to it.
    var isEmpty: Bool {
        var status = stat()
        return fstat(descriptor.raw, &status) != 0 || status.st_size == 0
    }

    /// Puts it in the place of another file, or of none, for everybody to read.
    func replace(_ other: String) throws(Failure) {
        do {
            try system("let others read", path) { fchmod(descriptor.raw, 0o644) }
            try system("replace", other) { rename(path, other) }
        } catch {
            throw .file(error)
        }
    }

    /// Removes it again: what it was made for failed.
    func remove() { unlink(path) }
}
