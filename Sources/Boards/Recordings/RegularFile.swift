// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import RecordingFormat

/// Refuses what is no regular file.
///
/// - Returns: its size in bytes.
func regularFileSize(of file: Descriptor) throws(RecordingError) -> UInt64 {
    var status = stat()
    do throws(SystemError) {
        try system("examine the recording") { fstat(file.raw, &status) }
    } catch {
        throw .system(error)
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile }
    return UInt64(max(0, status.st_size))
}
