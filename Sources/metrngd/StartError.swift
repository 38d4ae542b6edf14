// SPDX-License-Identifier: Apache-2.0

import Conditioning
import LinuxPlatform

/// Why the daemon cannot run, with the remedy.
enum StartError: Error, CustomStringConvertible {
    case selfTest(ConditionerSelfTest.Failure)
    case directory(SystemError)
    case directoryInUse(String)
    case socket(ListenError)
    case memory(SystemError, board: String)
    case system(SystemError)

    var description: String {
        switch self {
        case .selfTest(let failure):
            "\(failure)"
        case .directory(let error):
            "\(error); the directory has to exist and to be writable for this user:"
                + " create it, or choose another with --runtime-directory"
        case .directoryInUse(let path):
            "another metrngd uses \(path); stop it, or choose another with --runtime-directory"
        case .socket(let error):
            "\(error)"
        case .memory(let error, let board):
            "board \(board): \(error); raise the limit of locked memory (LimitMEMLOCK= of the unit,"
                + " or ulimit -l), make the rings smaller, or set rings.lockMemory to ifPermitted"
                + " or never, with which bits can reach swap"
        case .system(let error):
            "\(error)"
        }
    }
}
