// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
import EntropyTerms
import Glibc
import LinuxPlatform
import RecordingFormat

/// The frames of a recording as a board: each is given once, in order, up to the end of the recording
/// or its first damage. Its bits carry the provenance `replay`: they have been seen before.
package final class ReplayBoard: Board, @unchecked Sendable {
    // Everything here is touched by the pipeline's thread only: `interrupt` has nothing to do, as
    // `read` never waits for long.
    private enum State {
        case unopened
        /// Also while the board is closed: a frame that was given is not given again.
        case reading(RecordingReader)
        /// All was given, and how it ended.
        case ended(String)
    }

    /// The least payload of a frame that the pipeline makes room for, in bytes: small frames are given many at a time.
    package static let smallestMaximumPayload = 1 << 14

    private let path: String
    private let calls: FileCalls
    private var state = State.unopened

    /// - Parameter calls: the calls that read the file.
    package init(path: String, calls: FileCalls = .system) {
        self.path = path
        self.calls = calls
    }

    package func open() throws(BoardError) -> BoardDescription {
        switch state {
        case .ended(let how): throw .ended(how)
        case .reading(let reader): return description(of: reader.context.board)
        case .unopened:
            let reader = try makeReader()
            state = .reading(reader)
            return description(of: reader.context.board)
        }
    }

    package func start() {}

    /// Gives as many frames as there is room for.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        switch state {
        case .ended(let how): throw .ended(how)
        case .unopened: throw .stalled("it was not opened")
        case .reading(let reader):
            var count = 0
            repeat {
                guard let frame = nextFrame(reader, into: buffer, at: count) else { break }
                count += FrameHeader.byteCount + frame.payload.count
            } while buffer.count - count >= reader.bufferCount
            if count == 0, case .ended(let how) = state { throw .ended(how) }
            return count
        }
    }

    /// The next frame; nil at the end of the recording, and where it is damaged.
    private func nextFrame(
        _ reader: RecordingReader, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> RecordingReader.Frame? {
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[offset...])
        do throws(RecordingError) {
            if let frame = try reader.next(into: room) { return frame }
            state = .ended("\(reader.shots) shots of \(path)")
        } catch {
            state = .ended("\(reader.shots) shots of \(path), which is \(error)")
        }
        return nil
    }

    package func stop() {}

    package func close() {}

    package func interrupt() {}

    private func makeReader() throws(BoardError) -> RecordingReader {
        let reader: RecordingReader
        do throws(RecordingError) {
            reader = try RecordingReader(path: path, calls: calls)
        } catch {
            throw boardError(error)
        }
        guard reader.context.starts.count == 1 else {
            throw .unsupported("\(path) is a recording with restarts; use it with mectl export")
        }
        return reader
    }

    private func boardError(_ error: RecordingError) -> BoardError {
        guard case .system(let cause) = error else { return .unsupported("\(path): \(error)") }
        switch cause.code {
        case EACCES, EPERM: return .notPermitted("\(cause)")
        default: return .absent("\(cause)")
        }
    }

    private func description(of recorded: BoardDescription) -> BoardDescription {
        BoardDescription(
            kind: "replay", provenance: .replay, serial: recorded.serial, path: path,
            firmware: recorded.firmware, lanes: recorded.lanes, encoding: recorded.encoding,
            operatingPoint: recorded.operatingPoint,
            maximumPayload: max(recorded.maximumPayload, Self.smallestMaximumPayload),
            shotsPerSecond: recorded.shotsPerSecond, recordedFrom: recorded.provenance)
    }
}
