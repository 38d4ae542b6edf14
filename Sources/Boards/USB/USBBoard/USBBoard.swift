// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
import CBoardLink
import EntropyTerms
package import LinuxPlatform

/// An MEB/1 board on the USB.
package final class USBBoard: TunableBoard, PluggableBoard, @unchecked Sendable {
    // Everything but the interruption belongs to the pipeline's thread.
    private let settings: USBBoardSettings
    private let locked: Bool
    private let link: BoardLink
    private let opened: Opened
    /// The operating point that each board was set to last, by its serial number: a board forgets it without
    /// power. One that takes another's place has its own.
    private var points: [String: OperatingPoint] = [:]
    /// The board that was opened last, as messages name it; nil before the first.
    private var lastOpened: String?
    /// Recoveries of the stream in a row, without a byte in between.
    private var recoveries = 0
    private(set) var isStreaming = false

    /// Recoveries in a row before the board is reset and opened again.
    private static let recoveryLimit = 3

    /// The operation that failed when `init` throws.
    package static let startOperation = "start libusb"

    /// - Parameter locked: whether memory with bits must be kept from swap.
    package init(_ settings: USBBoardSettings, locked: Bool) throws(SystemError) {
        self.settings = settings
        self.locked = locked
        link = try BoardLink()
        opened = Opened()
    }

    package var changes: Int32 { link.changes }

    package func checkPresence() throws(BoardError) {
        link.forgetChanges()
        try current().0.checkPresence()
    }

    // MARK: Board

    package func open() throws(BoardError) -> BoardDescription {
        link.forgetChanges()
        let devices = try link.devices(settings.identifiers)
        var first: BoardError?
        for device in devices.candidates(settings) {
            do throws(BoardError) {
                return try open(device)
            } catch {
                first = first ?? error
            }
        }
        throw first ?? devices.absence(settings, lost: lastOpened)
    }

    private func open(_ device: FoundDevice) throws(BoardError) -> BoardDescription {
        try device.checkVersion()
        let connection = try BoardConnection(device, over: link.raw)
        let info = try connection.info(of: device)
        try check(info, of: device)
        try connection.set(.stop)
        let present = try connection.operatingPoint()
        let wanted = points[device.serial] ?? present.replacing(settings.operatingPoint)
        let description = BoardDescription(device, info, point: wanted)
        if wanted != present { try connection.set(wanted, within: info.tuning) }
        if description.tuning != nil {
            try connection.setTrims([Int16](repeating: 0, count: info.lanes))
        }
        let noLane = [UInt64](repeating: 0, count: info.lanes / 64)
        if info.features.contains(.laneMask) { try connection.setLaneMask(noLane) }
        // A host that died may have left lanes aside.
        if info.canSetLanesAside {
            try connection.setLanesAside(noLane)
            try connection.setAsideMask(noLane)
            try connection.setTrims([Int16](repeating: 0, count: info.lanes), of: .aside)
            try connection.setAsidePoint(wanted)
        }
        opened.set(connection, description)
        lastOpened = device.name
        recoveries = 0
        return description
    }

    private func check(_ info: InfoRecord, of device: FoundDevice) throws(BoardError) {
        let isSimulated = info.features.contains(.simulated)
        guard isSimulated != settings.expectsSimulated else { return }
        throw .unsupported(
            isSimulated
                ? "\(device.name) reports itself as simulated, so its bits are not random;"
                    + " simulated: true allows it"
                : "\(device.name) does not report itself as simulated, but simulated: true requires it"
        )
    }

    package func start() throws(BoardError) {
        let (connection, _) = try current()
        try connection.startTransfers(locked: locked)
        try connection.set(.start)
        isStreaming = true
    }

    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        let (connection, _) = try current()
        switch try connection.read(into: buffer, milliseconds: milliseconds) {
        case .bytes(let count):
            recoveries = 0
            return count
        case .nothing:
            return 0
        case .broken(let error):
            guard recoveries < Self.recoveryLimit else {
                connection.reset()
                throw error
            }
            recoveries += 1
            try connection.recoverStream()
            return 0
        }
    }

    package func stop() {
        isStreaming = false
        guard let (connection, _) = try? current() else { return }
        // A board that does not answer has stopped, or is told again before it is used.
        try? connection.set(.stop)
        connection.stopTransfers()
    }

    package func close() {
        isStreaming = false
        opened.clear()
    }

    package func interrupt() { opened.interrupt() }

    // MARK: TunableBoard

    package func setOperatingPoint(_ point: OperatingPoint) throws(BoardError) {
        let (connection, description) = try current()
        try connection.set(.operatingPoint, OperatingPointRecord(point).bytes)
        points[description.serial] = point
    }

    package func setTrims(_ trims: [Int16]) throws(BoardError) {
        try current().0.setTrims(trims)
    }

    package func telemetry() throws(BoardError) -> BoardTelemetry {
        let (connection, description) = try current()
        return try connection.telemetry(lanes: description.lanes)
    }

    func current() throws(BoardError) -> (BoardConnection, BoardDescription) {
        guard let current = opened.value else { throw .stalled("it is not open") }
        return current
    }
}
