// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
package import LinuxPlatform
package import RecordingFormat

/// Why a lane was not exported, or not all of it.
package enum LaneExportError: Error, Equatable, CustomStringConvertible {
    case recording(RecordingError)
    /// What was made of the lane cannot be written.
    case output(SystemError)
    case noSuchLane(Int, lanes: Int)
    /// Too few shots: in the recording, or after each start of the board.
    case tooFewShots(Int, wanted: Int)
    /// The board was started too few times.
    case tooFewRestarts(Int, wanted: Int)
    /// The board was started once only.
    case notARestartRecording
    /// The board was started several times, so that its shots are not consecutive.
    case restartRecording
    /// Shots are missing after this many since the start of the board.
    case gap(afterShots: Int)

    package var description: String {
        switch self {
        case .recording(let error): "\(error)"
        case .output(let error): "\(error)"
        case .noSuchLane(let lane, let lanes):
            "there is no lane \(lane): the recording has lanes 0 to \(lanes - 1)"
        case .tooFewShots(let count, let wanted):
            "there are \(count) shots, fewer than the \(wanted) needed"
        case .tooFewRestarts(let count, let wanted):
            "the board was started \(count) times, fewer than the \(wanted) needed"
        case .notARestartRecording:
            "not a recording with restarts: the board was started only once"
        case .restartRecording:
            "a recording with restarts has no long run of consecutive shots; export it as a matrix"
        case .gap(let shots):
            "shots are missing after the first \(shots), but the estimators need consecutive ones"
        }
    }
}

/// Exports lanes of a recording as the estimators of NIST SP 800-90B read them: one byte, 0 or 1, for each bit. The
/// bits of several lanes follow one another shot by shot, in each shot in rising order of the lanes.
package final class LaneExport {
    /// The lanes to export.
    package enum Lanes: Sendable, Equatable {
        case all
        /// At least one, in rising order.
        case some([Int])
    }

    /// Takes bytes of the export, all of them; may wait.
    package typealias Write = (UnsafeRawBufferPointer) throws(SystemError) -> Void

    package static let matrixRestarts = 1_000
    package static let matrixSamples = 1_000

    private let reader: RecordingReader
    package let lanes: [Int]
    private let write: Write
    private let buffer: LockedMemory
    private let bytes: LockedMemory

    /// - Throws: also `noSuchLane`.
    package init(
        path: String, lanes: Lanes, write: @escaping Write
    ) throws(LaneExportError) {
        do throws(RecordingError) {
            reader = try RecordingReader(path: path)
        } catch {
            throw .recording(error)
        }
        let board = reader.context.board
        switch lanes {
        case .all: self.lanes = Array(0..<board.lanes)
        case .some(let lanes):
            if let wrong = lanes.first(where: { !(0..<board.lanes).contains($0) }) {
                throw .noSuchLane(wrong, lanes: board.lanes)
            }
            self.lanes = lanes
        }
        self.write = write
        do throws(SystemError) {
            buffer = try LockedMemory(count: reader.bufferCount, locked: false)
            bytes = try LockedMemory(
                count: max(1, board.maximumPayload / (board.lanes / 8)) * self.lanes.count,
                locked: false)
        } catch {
            throw .output(error)
        }
    }

    /// A way to write to a descriptor, for which it waits.
    package static func writing(to file: Descriptor) -> Write {
        { (bytes) throws(SystemError) in try writeAll(bytes, to: file, "the lane") }
    }

    /// Writes the bits in order, from the first shot on. On an error, what was written is good.
    ///
    /// - Parameter wanted: of how many shots; nil for as many as there are.
    /// - Returns: of how many shots bits were written.
    package func writeSequence(shots wanted: Int? = nil) throws(LaneExportError) -> Int {
        guard reader.context.starts.count == 1 else { throw .restartRecording }
        var done = 0
        while done < wanted ?? .max, let frame = try nextFrame() {
            // What is missing before the first frame breaks nothing.
            guard frame.shotsDroppedBefore == 0 || done == 0 else { throw .gap(afterShots: done) }
            done += try export(frame, first: (wanted ?? .max) - done)
        }
        if let wanted, done < wanted { throw .tooFewShots(done, wanted: wanted) }
        return done
    }

    /// Writes the restart matrix of SP 800-90B 3.1.4, row by row: row i has the first samples after
    /// start i of the board. On an error, what was written is good.
    package func writeRestartMatrix(
        restarts: Int = matrixRestarts, samples: Int = matrixSamples
    ) throws(LaneExportError) {
        guard case .restarts(let count, let shots) = reader.context.starts else {
            throw .notARestartRecording
        }
        guard count >= restarts else { throw .tooFewRestarts(count, wanted: restarts) }
        guard shots >= samples else { throw .tooFewShots(shots, wanted: samples) }
        var (row, done) = (0, 0)
        while row < restarts - 1 || done < samples, let frame = try nextFrame() {
            if frame.restart != row { (row, done) = (frame.restart, 0) }
            guard done < samples else { continue }
            guard frame.shotsDroppedBefore == 0 else { throw .gap(afterShots: done) }
            done += try export(frame, first: samples - done)
        }
    }

    /// What the recording says of the bits in it.
    package var context: RecordingContext { reader.context }

    private func nextFrame() throws(LaneExportError) -> RecordingReader.Frame? {
        do throws(RecordingError) {
            return try reader.next(into: buffer.bytes)
        } catch {
            throw .recording(error)
        }
    }

    /// Writes the bits of the first shots of a frame.
    ///
    /// - Returns: of how many shots.
    private func export(
        _ frame: RecordingReader.Frame, first limit: Int
    ) throws(LaneExportError) -> Int {
        let count = min(Int(frame.header.shots), limit)
        let bytesPerShot = reader.context.board.lanes / 8
        // Words are little-endian, so that lane i is bit i mod 8 of byte i / 8 of the row.
        var end = 0
        for shot in 0..<count {
            for lane in lanes {
                bytes.bytes[end] = frame.payload[shot * bytesPerShot + lane / 8] >> (lane % 8) & 1
                end += 1
            }
        }
        do throws(SystemError) {
            try write(UnsafeRawBufferPointer(rebasing: bytes.bytes[..<end]))
        } catch {
            throw .output(error)
        }
        return count
    }
}
