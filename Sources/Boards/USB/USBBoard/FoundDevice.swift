// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import CBoardLink
import EntropyTerms

/// A device on the bus that may be a board, without being opened.
struct FoundDevice {
    let raw: bl_device
    let serial: String
    let product: String
    /// Bus and ports: "1-2.3".
    let place: String

    init(_ raw: bl_device) {
        self.raw = raw
        serial = Self.text(raw.serial)
        product = Self.text(raw.product_name)
        place = Self.text(raw.place)
    }

    /// Its file, by which the kernel names it in messages.
    var path: String {
        func digits(_ number: UInt8) -> String {
            let text = String(number)
            return String(repeating: "0", count: 3 - text.count) + text
        }
        return "/dev/bus/usb/\(digits(raw.bus))/\(digits(raw.address))"
    }

    /// The most bytes of the stream that are in flight, in submitted transfers.
    var bytesInFlight: Int {
        let shape = bl_shape(raw.speed)
        return shape.transfer_size * Int(shape.transfers)
    }

    var isBoard: Bool { product.hasPrefix(BoardInterface.productPrefix) }

    var name: String { "\(serial.isEmpty ? product : serial) at \(place)" }

    /// - Parameter outcome: negative, as a call of the link gave it.
    func error(_ outcome: Int32, during request: BoardRequest? = nil) -> BoardError {
        let reason = String(cString: bl_error_text(outcome))
        let what = request.map { "\(name), request \($0): \(reason)" } ?? "\(name): \(reason)"
        switch bl_error(outcome) {
        case BL_GONE: return .absent("\(name) was unplugged")
        case BL_NOT_PERMITTED:
            return .notPermitted("\(path), \(name)")
        case BL_BUSY: return held
        default: return .stalled(what)
        }
    }

    private var held: BoardError {
        switch HolderSearch.holder(ofPathEnding: path) {
        case .thisProcess: .taken("\(name) is held by another entry of boards")
        case .others([]): .busy("\(name) is held by another program")
        case .others(let holders): .busy("\(name) is held by \(holders.joined(separator: ", "))")
        }
    }

    /// A text of a device, which may be hostile, made printable; it ends with a zero, in a fixed number of bytes.
    private static func text<Bytes>(_ bytes: Bytes) -> String {
        withUnsafeBytes(of: bytes) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).printable
        }
    }
}

extension [FoundDevice] {
    private var boards: [FoundDevice] { filter(\.isBoard).sorted { $0.place < $1.place } }

    /// The boards among them that the settings allow, in the order of their places.
    func candidates(_ settings: USBBoardSettings) -> [FoundDevice] {
        boards.filter { board in
            settings.selection.allows(board)
                && (settings.selection != .any || !settings.reserved.contains { $0.allows(board) })
        }
    }

    /// The error for a bus without a candidate.
    ///
    /// - Parameter lost: the board that was there before; nil when there was none.
    func absence(_ settings: USBBoardSettings, lost: String? = nil) -> BoardError {
        let before = lost.map { "\($0) was unplugged; " } ?? ""
        let names = boards.map(\.name).joined(separator: ", ")
        let others = names.isEmpty ? "" : "; there are: \(names)"
        return switch settings.selection {
        case .any where names.isEmpty:
            .absent("\(before)no \(BoardInterface.productPrefix) board is on the bus")
        case .any: .absent("\(before)every board is named by another entry of boards\(others)")
        case .serial(let serial):
            .absent("\(before)no board has the serial number \(serial)\(others)")
        case .place(let place): .absent("\(before)there is no board at \(place)\(others)")
        }
    }
}

extension USBBoardSettings.Selection {
    fileprivate func allows(_ device: FoundDevice) -> Bool {
        switch self {
        case .any: true
        case .serial(let serial): device.serial == serial
        case .place(let place): device.place == place
        }
    }
}
