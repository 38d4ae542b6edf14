// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

/// The one descriptor that a client may have passed and that waits for its call.
///
/// A descriptor travels with bytes, and the kernel lets a read end with the bytes of the send that
/// carried it. So it belongs to the last message that the bytes it came with are of, whatever came
/// before them in the same read. One that comes while another waits is closed.
struct PassedDescriptor {
    private var waiting: (descriptor: Descriptor, message: UInt64)?
    /// The numbers, from 0 up, of the message that the next byte is of and of the next one to be taken.
    private var arriving: UInt64 = 0
    private var next: UInt64 = 0
    private var ofCall: Descriptor?

    mutating func received(_ bytes: some Collection<UInt8>, with descriptor: Descriptor?) {
        var last = arriving
        for byte in bytes {
            last = arriving
            if byte == 0 { arriving += 1 }
        }
        if waiting == nil { waiting = descriptor.map { ($0, last) } }
    }

    /// The next message is taken as a call.
    mutating func beginCall() {
        ofCall = nil
        if let found = waiting, found.message <= next {
            ofCall = found.descriptor
            waiting = nil
        }
        next += 1
    }

    /// Takes the descriptor that came with the last call; nil when there was none, and the second time.
    mutating func take() -> Descriptor? {
        defer { ofCall = nil }
        return ofCall
    }
}
