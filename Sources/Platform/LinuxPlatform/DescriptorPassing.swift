// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Sends bytes to a local socket, and a copy of `descriptor` with the first of them. Never waits.
///
/// - Parameter bytes: at least one.
package func send(
    _ bytes: UnsafeRawBufferPointer, with descriptor: Descriptor, to socket: Descriptor
) -> Transfer {
    transfer {
        clinux_send_with_descriptor(
            socket.raw, bytes.baseAddress, bytes.count, descriptor.raw)
    }
}

/// Receives bytes from a local socket, and the first descriptor that came with them. Never waits, not for the close of
/// any other either.
///
/// Any further descriptors are closed, so that nobody can fill the table of this process by sending some. A received
/// descriptor may be of any kind, in any mode.
package func receive(
    into buffer: UnsafeMutableRawBufferPointer, from socket: Descriptor
) -> (transfer: Transfer, descriptor: Descriptor?) {
    var first: Descriptor?
    let result = receive(into: buffer, from: socket) { passed in
        let descriptor = Descriptor(ofClient: passed)
        if first == nil { first = descriptor }
    }
    return (result, first)
}

/// Receives bytes from a local socket, and calls `body` with each descriptor that came with them, which owns it. Never
/// waits.
package func receive(
    into buffer: UnsafeMutableRawBufferPointer, from socket: Descriptor, _ body: (Int32) -> Void
) -> Transfer {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: Int(CLINUX_MAXIMUM_PASSED)) { passed in
        var count = 0
        let result = transfer {
            clinux_receive_with_descriptors(
                socket.raw, buffer.baseAddress, buffer.count, passed.baseAddress, &count)
        }
        for index in 0..<count { body(passed[index]) }
        return result
    }
}
