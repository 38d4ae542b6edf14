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

/// Receives bytes from a local socket, and the first descriptor that came with them. Never waits.
///
/// Any further descriptors are closed, so that nobody can fill the table of this process by sending
/// some. A received descriptor may be of any kind, in any mode.
package func receive(
    into buffer: UnsafeMutableRawBufferPointer, from socket: Descriptor
) -> (transfer: Transfer, descriptor: Descriptor?) {
    var raw: Int32 = -1
    let result = transfer {
        clinux_receive_with_descriptor(socket.raw, buffer.baseAddress, buffer.count, &raw)
    }
    return (result, raw < 0 ? nil : Descriptor(owning: raw))
}
