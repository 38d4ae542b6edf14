// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An empty directory with a path short enough for sockets, removed with everything in it.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() {
        var template = Array("/tmp/metrng-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("cannot make a directory in /tmp") }
        path = template.withUnsafeBufferPointer { characters in
            characters.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    deinit {
        chmod(path, 0o700)
        for entry in entries { unlink(file(entry)) }
        rmdir(path)
    }

    /// The path of a file in the directory.
    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The names of what is in the directory, sorted.
    package var entries: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
