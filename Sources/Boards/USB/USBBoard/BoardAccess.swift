// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
import BoardProtocol
import CBoardLink
import LinuxPlatform

/// Unguarded access to a board on the USB, for checks: any request, in any order. For one thread.
package final class BoardAccess {
    /// The outcome of a request.
    package enum Outcome: Sendable, Equatable, CustomStringConvertible {
        /// The request was done; holds the answer of a request from the board.
        case done([UInt8])
        /// The board answered with a stall.
        case refused
        case unanswered
        /// The board was unplugged.
        case gone
        case failed(String)

        package var description: String {
            switch self {
            case .done: "it was done"
            case .refused: "it was refused"
            case .unanswered: "it was not answered in \(BoardRequest.timeLimitMilliseconds) ms"
            case .gone: "the board was unplugged"
            case .failed(let reason): reason
            }
        }
    }

    /// Serial number and port path.
    package let name: String
    package let product: String
    /// The major version of MEB in the descriptors.
    package let majorVersion: UInt8

    private let connection: BoardConnection
    private let link: BoardLink

    /// Opens the first board that the selection allows.
    package init(_ settings: USBBoardSettings) throws(BoardError) {
        do throws(SystemError) { link = try BoardLink() } catch { throw .noBus("\(error)") }
        let devices = try link.devices(settings.identifiers)
        guard let device = devices.candidates(settings).first else {
            throw devices.absence(settings)
        }
        connection = try BoardConnection(device, over: link.raw)
        name = device.name
        product = device.product
        majorVersion = device.raw.interface_protocol
        bytesInFlight = device.bytesInFlight
    }

    /// - Throws: `absent` once the unplugging of the board is known.
    package func checkPresence() throws(BoardError) { try connection.checkPresence() }

    // MARK: Requests

    package func get(_ code: UInt8, value: UInt16 = 0, count: Int) -> Outcome {
        var answer = [UInt8](repeating: 0, count: count)
        let moved = connection.control(
            BoardRequest.typeFromBoard, code, value: value, data: &answer)
        return moved >= 0 ? .done(Array(answer.prefix(Int(moved)))) : Self.outcome(moved)
    }

    package func set(_ code: UInt8, value: UInt16 = 0, _ bytes: [UInt8] = []) -> Outcome {
        var bytes = bytes
        let moved = connection.control(BoardRequest.typeToBoard, code, value: value, data: &bytes)
        return moved >= 0 ? .done([]) : Self.outcome(moved)
    }

    private static func outcome(_ error: Int32) -> Outcome {
        switch bl_error(error) {
        case BL_STALL: .refused
        case BL_TIMEOUT: .unanswered
        case BL_GONE: .gone
        default: .failed(String(cString: bl_error_text(error)))
        }
    }

    // MARK: Endpoints

    package func startTransfers() throws(BoardError) {
        try connection.startTransfers(locked: false)
    }

    /// The most bytes of the stream that submitted transfers hold.
    package let bytesInFlight: Int

    package func stopTransfers() { connection.stopTransfers() }

    /// - Returns: how many bytes came; 0 when none did in the time.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        switch try connection.read(into: buffer, milliseconds: milliseconds) {
        case .bytes(let count): return count
        case .nothing: return 0
        case .broken(let error): throw error
        }
    }

    /// Sends states for the array.
    package func write(_ bytes: [UInt8]) throws(BoardError) { try connection.write(bytes) }

    /// Ends the halt of the endpoint for states.
    package func clearArrayHalt() throws(BoardError) {
        try connection.clearHalt(BoardInterface.arrayEndpoint)
    }
}
