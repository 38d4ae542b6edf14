// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// A new directory with a path short enough for sockets; removed, with what is in it, in the end.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() {
        var template = Array("/tmp/metrng.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("cannot create a directory in /tmp") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
