// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import CBoardLink
import Glibc
import LinuxPlatform

/// The bus, with the thread that serves it. Must outlive the connections over it.
final class BoardLink: @unchecked Sendable {
    let raw: OpaquePointer
    /// The most devices that a list holds.
    private static let deviceLimit = 64

    init() throws(SystemError) {
        var opened: OpaquePointer?
        var failure = bl_link_failure()
        let outcome = bl_link_open(&opened, &failure)
        guard outcome == 0, let opened else { throw SystemError(failure) }
        raw = opened
    }

    deinit { bl_link_close(raw) }

    /// A descriptor that is readable after a device has come or gone, until `forgetChanges`. The link owns it.
    var changes: Int32 { bl_link_changes(raw) }

    func forgetChanges() { bl_link_forget_changes(raw) }

    /// The devices on the bus that may be boards, in no order.
    func devices(
        _ identifiers: [USBBoardSettings.Identifier]
    ) throws(BoardError) -> [FoundDevice] {
        let wanted = identifiers.map { bl_id(vendor: $0.vendor, product: $0.product) }
        var found = [bl_device](repeating: bl_device(), count: Self.deviceLimit)
        let count = found.withUnsafeMutableBufferPointer { found in
            bl_link_list(raw, wanted, wanted.count, found.baseAddress, found.count)
        }
        guard count >= 0 else {
            throw .noBus("it cannot be searched: \(String(cString: bl_error_text(Int32(count))))")
        }
        return found.prefix(count).map(FoundDevice.init)
    }
}

extension SystemError {
    fileprivate init(_ failure: bl_link_failure) {
        self.init(
            USBBoard.startOperation,
            failure.usb_error.map { "(\(String(cString: $0)))" } ?? "",
            code: failure.system_error != 0 ? failure.system_error : EIO)
    }
}
