// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import CBoardLink
import LinuxPlatform

/// An open board on the bus: requests and endpoints, with errors as `BoardError`.
///
/// For one thread, but for `interrupt`. Gives the device back when it is released.
final class BoardConnection: @unchecked Sendable {
    private let board: OpaquePointer
    private let device: FoundDevice

    private static let requestMilliseconds = BoardRequest.timeLimitMilliseconds

    /// - Parameter link: has to outlive the connection.
    init(_ device: FoundDevice, over link: OpaquePointer) throws(BoardError) {
        var opened: OpaquePointer?
        var wanted = device.raw
        let outcome = bl_open(link, &wanted, &opened)
        guard outcome == 0, let opened else { throw device.error(outcome) }
        board = opened
        self.device = device
    }

    deinit { bl_close(board) }

    func checkPresence() throws(BoardError) {
        if !bl_is_present(board) { throw device.error(BL_GONE.rawValue) }
    }

    // MARK: Requests

    /// - Parameter count: the most bytes that the answer may have.
    func get(
        _ request: BoardRequest, value: UInt16 = 0, count: Int
    ) throws(BoardError) -> [UInt8] {
        var answer = [UInt8](repeating: 0, count: count)
        let outcome = control(
            BoardRequest.typeFromBoard, request.rawValue, value: value, data: &answer)
        guard outcome >= 0 else { throw device.error(outcome, during: request) }
        return Array(answer.prefix(Int(outcome)))
    }

    func set(
        _ request: BoardRequest, value: UInt16 = 0, _ bytes: [UInt8] = []
    ) throws(BoardError) {
        var bytes = bytes
        let outcome = control(
            BoardRequest.typeToBoard, request.rawValue, value: value, data: &bytes)
        guard outcome >= 0 else { throw device.error(outcome, during: request) }
    }

    /// Makes any request.
    ///
    /// - Returns: how many bytes were moved, or a negative `bl_error`.
    func control(_ type: UInt8, _ code: UInt8, value: UInt16, data: inout [UInt8]) -> Int32 {
        data.withUnsafeMutableBytes { buffer in
            bl_control(
                board, type, code, value, 0, buffer.baseAddress, UInt16(buffer.count),
                Self.requestMilliseconds)
        }
    }

    // MARK: Single transfers

    /// Sends states for the array.
    func write(_ bytes: [UInt8]) throws(BoardError) {
        try check(
            bl_bulk_out(
                board, BoardInterface.arrayEndpoint, bytes, bytes.count, Self.requestMilliseconds))
    }

    /// Ends the halt of an endpoint, and resets the data toggles of both ends.
    func clearHalt(_ endpoint: UInt8) throws(BoardError) {
        try check(bl_clear_halt(board, endpoint))
    }

    /// Waits for the next bytes on the stream's endpoint while no transfers wait for the stream.
    ///
    /// - Parameter room: bytes; a multiple of `largestPacket`.
    func readOnce(room: Int) throws(BoardError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: room)
        let outcome = bl_bulk_in(
            board, BoardInterface.streamEndpoint, &bytes, room, Self.requestMilliseconds)
        try check(outcome)
        return Array(bytes.prefix(Int(outcome)))
    }

    /// The largest packet of an endpoint, in bytes: a multiple of the largest packet at every other speed.
    static let largestPacket = 1024

    // MARK: The stream

    /// Submits transfers for the stream. Nothing is asked of the board.
    ///
    /// - Parameter locked: whether memory with bits must be kept from swap.
    func startTransfers(locked: Bool) throws(BoardError) {
        // A host that died may have left the two ends in different states.
        try clearHalt(BoardInterface.streamEndpoint)
        try check(
            bl_stream_start(
                board, BoardInterface.streamEndpoint, bl_shape(device.raw.speed), locked))
    }

    func stopTransfers() { bl_stream_stop(board) }

    /// The outcome of a read of the stream.
    enum Reading {
        case bytes(Int)
        /// Nothing came in the time, or the read was interrupted.
        case nothing
        /// The stream broke and can be recovered.
        case broken(BoardError)
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Reading {
        let outcome = bl_stream_read(board, buffer.baseAddress, buffer.count, milliseconds)
        switch outcome {
        case 1...: return .bytes(outcome)
        case 0: return .nothing
        default: break
        }
        let error = device.error(Int32(outcome))
        if case .stalled = error { return .broken(error) }
        throw error
    }

    /// Resets the device on the bus, and ends the stream. A failure shows when the device is opened again.
    func reset() { _ = bl_reset(board) }

    func recoverStream() throws(BoardError) { try check(bl_stream_recover(board)) }

    func interrupt() { bl_stream_interrupt(board) }

    private func check(_ outcome: Int32) throws(BoardError) {
        guard outcome >= 0 else { throw device.error(outcome) }
    }
}
