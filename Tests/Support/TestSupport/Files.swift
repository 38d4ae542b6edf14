// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform

/// The bytes of a file, which may be one that the kernel makes as it is read.
package func contents(ofFile path: String) throws(SystemError) -> [UInt8] {
    let file = Descriptor(owning: try system("open", path) { open(path, O_RDONLY) })
    var contents: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = try system("read", path) { read(file.raw, &part, part.count) }
        if count == 0 { return contents }
        contents += part[..<count]
    }
}

/// The lines of a text file.
package func textLines(ofFile path: String) throws(SystemError) -> [Substring] {
    String(decoding: try contents(ofFile: path), as: UTF8.self).split(separator: "\n")
}

/// Where a file of the repository is, by its path from the root.
package func repositoryFile(_ path: String) -> String {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
    return root.joined(separator: "/") + "/\(path)"
}

/// The bytes of a file in `Tests/Fixtures`.
package func fixture(_ name: String) throws(SystemError) -> [UInt8] {
    try contents(ofFile: repositoryFile("Tests/Fixtures/\(name)"))
}

/// The bytes of a file in `Sources/Protocols/Vectors`: golden vectors of a protocol.
package func goldenVectors(_ name: String) throws(SystemError) -> [UInt8] {
    try contents(ofFile: repositoryFile("Sources/Protocols/Vectors/\(name)"))
}
