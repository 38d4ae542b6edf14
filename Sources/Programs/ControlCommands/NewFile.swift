// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// A file that a verb makes. Nothing that is there already is ever overwritten.
struct NewFile {
    /// A path at which the file can be opened while this process has it open.
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

    /// A file without a name, which is gone once nobody has it open.
    ///
    /// - Parameter folder: on the disk that has room for it.
    init(unnamedIn folder: String) throws(Failure) {
        var template = Array("\(folder)/mectl-XXXXXX".utf8CString)
        do {
            let raw = try system("create a file in", folder) { mkstemp(&template) }
            descriptor = Descriptor(owning: raw)
        } catch {
            throw .file(error)
        }
        unlink(template)
        path = "/proc/self/fd/\(descriptor.raw)"
    }

    /// Writes what is in the file to the standard output; it has to be open for reading.
    func copy(to console: Console) throws(Failure) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { memory.deallocate() }
        var offset = 0
        while true {
            let count: Int
            do {
                count = try system("read", path) {
                    pread(descriptor.raw, memory.baseAddress, memory.count, off_t(offset))
                }
            } catch {
                throw .file(error)
            }
            guard count > 0 else { return }
            do {
                try console.writeBytes(UnsafeRawBufferPointer(rebasing: memory[..<count]))
            } catch {
                throw .output(error)
            }
            offset += count
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
