// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// A file that is there as a whole or not at all: it is written under another name beside its place, and moved there at the
/// end. What is at its place already stays.
final class WholeFile {
    let path: String
    private let temporaryPath: String
    private var descriptor: Descriptor?

    /// Makes the file under its other name, so that a place where nothing can be made shows before the work begins.
    init(_ path: String) throws(Failure) {
        self.path = path
        var status = stat()
        guard lstat(path, &status) != 0 else { throw .file(SystemError("create", path, code: EEXIST)) }
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[...$0]) } ?? ""
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        var template = Array("\(folder).\(name).XXXXXX".utf8CString)
        do throws(SystemError) {
            let raw = try system("create", path) { mkstemp(&template) }
            _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
            descriptor = Descriptor(owning: raw)
        } catch {
            throw .file(error)
        }
        temporaryPath = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // A finished file has been renamed: there is nothing left to remove.
        if descriptor != nil { unlink(temporaryPath) }
    }

    /// Writes the content and moves the file to its place.
    func finish(_ bytes: [UInt8]) throws(Failure) {
        guard let descriptor else { preconditionFailure("a file is finished once") }
        do throws(SystemError) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = rest
                let count = try system("write to", path) {
                    part.withUnsafeBytes { Glibc.write(descriptor.raw, $0.baseAddress, $0.count) }
                }
                rest = rest.dropFirst(count)
            }
            try system("write to", path) { fsync(descriptor.raw) }
            try system("let others read", path) { fchmod(descriptor.raw, 0o666 & ~Self.creationMask) }
            try move()
        } catch {
            throw .file(error)
        }
        self.descriptor = nil
    }

    /// A link replaces nothing that has come there meanwhile.
    private func move() throws(SystemError) {
        do throws(SystemError) {
            try system("create", path) { link(temporaryPath, path) }
        } catch  where error.code == EPERM || error.code == EOPNOTSUPP {
            // A file system without links.
            try system("create", path) { rename(temporaryPath, path) }
            return
        }
        unlink(temporaryPath)
    }

    /// The permissions that files of this process are made without.
    private static var creationMask: mode_t {
        let mask = umask(0o077)
        umask(mask)
        return mask
    }
}
