// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// A terminal that passes on all bytes as they come, without echo, for as long as this is there. Afterwards it has its
/// earlier settings. Its speed stays.
final class RawTerminal {
    private let descriptor: Descriptor
    private var earlier: termios

    /// Nil for what is no terminal.
    init?(_ descriptor: Descriptor, path: String) throws(SystemError) {
        var earlier = termios()
        guard tcgetattr(descriptor.raw, &earlier) == 0 else { return nil }
        var raw = earlier
        cfmakeraw(&raw)
        // A source need not have lines of a modem.
        raw.c_cflag |= tcflag_t(CREAD | CLOCAL)
        // A read without bytes fails instead of returning 0, as at the end of a file.
        raw.c_cc.6 = 1  // VMIN
        raw.c_cc.5 = 0  // VTIME
        try system("set up the terminal", path) { tcsetattr(descriptor.raw, TCSANOW, &raw) }
        self.descriptor = descriptor
        self.earlier = earlier
        // What came before was changed on its way, and perhaps echoed.
        tcflush(descriptor.raw, TCIOFLUSH)
    }

    // Never waits for output. A terminal that was hung up has nothing to restore.
    deinit { tcsetattr(descriptor.raw, TCSANOW, &earlier) }
}
