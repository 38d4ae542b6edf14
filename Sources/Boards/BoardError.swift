// SPDX-License-Identifier: Apache-2.0

/// Why a board gives no frames. After any of these the board is closed and may be opened again.
package enum BoardError: Error, Equatable, CustomStringConvertible {
    /// There is no such board now.
    case absent(String)
    /// It is there, but this user may not open it; says what would allow it.
    case notPermitted(String)
    /// It speaks a protocol this program does not.
    case unsupported(String)
    /// It was there and stopped answering, or nothing it sends can be used.
    case stalled(String)

    package var description: String {
        switch self {
        case .absent(let what): "the board is absent: \(what)"
        case .notPermitted(let what): "the board may not be opened: \(what)"
        case .unsupported(let what): "the board is not supported: \(what)"
        case .stalled(let what): "the board gives no usable frames: \(what)"
        }
    }

    /// The next thing for a person to try.
    package var remedy: String {
        switch self {
        case .absent: "plug the board in; metrngd keeps looking for it"
        case .notPermitted: "give the user of metrngd access to the device"
        case .unsupported: "update the firmware of the board, or metrngd"
        case .stalled: "reset or replug the board; metrngd keeps trying"
        }
    }
}
