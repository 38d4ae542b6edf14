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

    private let path: String
    private var state = State.unopened

    package init(path: String) { self.path = path }

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

    /// Reads one frame from the file.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        switch state {
        case .ended(let how): throw .ended(how)
        case .unopened: throw .stalled("it was not opened")
        case .reading(let reader):
            let frame: RecordingReader.Frame?
            do throws(RecordingError) {
                frame = try reader.next(into: buffer)
            } catch {
                throw end("\(reader.shots) shots of \(path), which is \(error)")
            }
            guard let frame else { throw end("\(reader.shots) shots of \(path)") }
            return FrameHeader.byteCount + frame.payload.count
        }
    }

    package func stop() {}

    package func close() {}

    package func interrupt() {}

    private func end(_ how: String) -> BoardError {
        state = .ended(how)
        return .ended(how)
    }

    private func makeReader() throws(BoardError) -> RecordingReader {
        let reader: RecordingReader
        do throws(RecordingError) {
            reader = try RecordingReader(path: path)
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
            operatingPoint: recorded.operatingPoint, maximumPayload: recorded.maximumPayload,
            shotsPerSecond: recorded.shotsPerSecond)
    }
}
