// SPDX-License-Identifier: Apache-2.0

import Conditioning
import Glibc
import LinuxPlatform
import SystemdSupport
import USBBoard

/// The reason that the daemon cannot run, with the remedy.
enum StartError: Error, CustomStringConvertible {
    case selfTest(ConditionerSelfTest.Failure)
    case fewDescriptors(limit: Int, needed: Int)
    case directory(SystemError)
    case directoryInUse(String)
    case socket(ListenError)
    case passedSocket(PassedSockets.Defect)
    case memory(SystemError, board: String)
    case board(SystemError, board: String)
    case system(SystemError)

    var description: String {
        switch self {
        case .selfTest(let failure):
            "\(failure)"
        case .directory(let error):
            "\(error); \(error.placeRemedy.map { "\($0), or " } ?? "")choose another directory for the sockets"
                + " with --runtime-directory"
        case .fewDescriptors(let limit, let needed):
            "the limit of \(limit) open files is too low, at least \(needed) are needed: raise it"
                + " (LimitNOFILE= of the unit, or ulimit -n)"
        case .directoryInUse(let path):
            "another metrngd uses \(path); stop it, or choose another directory with --runtime-directory"
        case .socket(let error):
            "\(error)"
        case .passedSocket(let defect):
            "\(defect)"
        case .memory(let error, let board):
            "board \(board): \(error); raise the limit of locked memory (LimitMEMLOCK= of the unit,"
                + " or ulimit -l), make the rings smaller, or set rings.lockMemory to ifPermitted"
                + " or never; bits can then reach swap"
        case .board(let error, let board):
            "board \(board): \(error)\(error.limitRemedy)\(error.busRemedy)"
        case .system(let error):
            "\(error)\(error.limitRemedy)"
        }
    }
}

extension SystemError {
    /// Whether memory was allocated but could not be locked.
    var isAboutLockedMemory: Bool { operation == LockedMemory.lockOperation }

    /// The limit to raise, if this process has reached one; otherwise empty.
    fileprivate var limitRemedy: String {
        code == EMFILE
            ? "; raise the limit of open files (LimitNOFILE= of the unit, or ulimit -n)" : ""
    }

    /// The remedy if libusb did not start; otherwise empty.
    fileprivate var busRemedy: String {
        operation == USBBoard.startOperation && code != EMFILE
            ? "; give metrngd AF_NETLINK sockets and access to /dev/bus/usb"
                + " (RestrictAddressFamilies= and DeviceAllow= of the unit)" : ""
    }
}
