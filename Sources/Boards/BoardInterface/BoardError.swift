// SPDX-License-Identifier: Apache-2.0

/// The reason for which a board gives no frames. After any of these the board is closed; after any but `ended`
/// it is opened again.
package enum BoardError: Error, Equatable, CustomStringConvertible {
    /// There is no such board at present.
    case absent(String)
    /// It is there, but this user may not open it; says what would allow it.
    case notPermitted(String)
    /// Another program or a driver of the kernel holds it; says which, as far as it is known.
    case busy(String)
    /// Another part of this process holds it.
    case taken(String)
    /// The bus that it would be plugged into cannot be used, so that its presence is unknown.
    case noBus(String)
    /// It speaks a protocol this program does not.
    case unsupported(String)
    /// It has stopped answering, or sends nothing usable.
    case stalled(String)
    /// The recording has ended, and is not opened again.
    case ended(String)

    package var description: String {
        switch self {
        case .absent(let what): "the board is absent: \(what)"
        case .notPermitted(let what): "no permission to open the board: \(what)"
        case .busy(let what), .taken(let what): "the board is in use: \(what)"
        case .noBus(let what): "the USB cannot be used: \(what)"
        case .unsupported(let what): "the board is not supported: \(what)"
        case .stalled(let what): "the board sends no usable frames: \(what)"
        case .ended(let what): "the recording has ended: \(what)"
        }
    }

    /// The next thing for a person to try.
    package var remedy: String {
        switch self {
        case .absent: "plug the board in; metrngd keeps looking for it"
        case .notPermitted:
            "give the user of metrngd access to the device; for boards, install the udev rule 70-metrng.rules"
        case .busy: "end the other program; metrngd keeps trying"
        case .taken:
            "plug in a board for each entry of boards, and tell them apart by usb.serial; metrngd keeps"
                + " trying"
        case .noBus:
            "give the program access to /dev/bus/usb and AF_NETLINK sockets, and more open files (ulimit -n)"
        case .unsupported: "name another file or device, or update the board's firmware or metrngd"
        case .stalled: "reset or replug the board; metrngd keeps trying"
        case .ended: "restart metrngd with another recording"
        }
    }
}
