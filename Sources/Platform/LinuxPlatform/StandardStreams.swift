// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Makes the standard streams safe to use whatever this process was started with. Call it first
/// of all in `main`.
///
/// A closed one fails as such, instead of standing for the next file or socket that is opened, which
/// then would get what was meant for the stream. A pipe that nobody reads any more is the error
/// `EPIPE`, instead of the end of the process.
package func prepareStandardStreams() { clinux_prepare_standard_streams() }

/// Writes a text to the standard error, as far as it takes it: nobody is left to tell that it did not.
package func writeToStandardError(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let result = transfer {
            rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        }
        guard case .moved(let count) = result else { return }
        rest = rest.dropFirst(count)
    }
}
