// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// Writes bytes to a FIFO, which it keeps open, once or again and again.
final class Feeder {
    let fifo: String
    private let process = Process()

    init(_ bytes: Data, forEver: Bool = false, in directory: SocketDirectory) throws {
        fifo = "\(directory.path)/fifo"
        try #require(mkfifo(fifo, 0o600) == 0)
        let file = "\(directory.path)/bytes"
        try bytes.write(to: URL(fileURLWithPath: file))
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let write = forEver ? "while cat \"$0\"; do :; done" : "cat \"$0\"; exec sleep 600"
        process.arguments = ["-c", "exec >\"$1\"; \(write)", file, fifo]
        try process.run()
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }
}
