// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol

/// Passes the frames of one start of a board on to a sink.
struct FrameRecorder {
    private let job: BoardJob<Record>
    private let sink: any FrameSink
    /// The number of shots kept of this start.
    private(set) var shots = 0
    /// The number of shots kept of the starts before this one.
    private var earlierShots = 0
    /// The number of starts that are complete.
    private(set) var starts = 0
    /// Why frames cannot be kept; nil while they can.
    private(set) var failure: BoardOperationError?
    private var hasAsked = false
    /// Whether frames are taken.
    private(set) var hasBegun = false

    init(_ job: BoardJob<Record>, _ sink: any FrameSink) {
        self.job = job
        self.sink = sink
    }

    private var recording: Record { job.operation }

    var isStartComplete: Bool { shots >= recording.shots }

    /// Whether all shots of all starts are kept.
    var isComplete: Bool { starts == recording.starts - 1 && isStartComplete }

    /// Tells the client how far the recording is.
    func tellProgress() {
        job.tell(
            Record.Reply(
                shotsDone: starts * recording.shots + shots, shotsTotal: recording.totalShots,
                bytes: 0))
    }

    /// Begins the recording, or goes on to begin it: `hasBegun` and `failure` say what came of it. With neither, it
    /// has to be called again.
    mutating func begin(_ board: BoardDescription) {
        do throws(FrameSinkError) {
            if !hasAsked {
                hasAsked = true
                try sink.begin(board)
            }
            guard let beginning = sink.beginning else { return }
            try beginning.get()
            hasBegun = true
        } catch {
            failure = .recording(error.reason)
        }
    }

    mutating func beginNextStart() {
        starts += 1
        earlierShots += shots
        shots = 0
    }

    /// Keeps a frame, if it is wanted.
    ///
    /// - Returns: whether it was handed to the sink.
    mutating func take(_ frame: FrameReader.Frame) -> Bool {
        guard hasBegun, !isStartComplete, failure == nil else { return false }
        do throws(FrameSinkError) {
            try sink.add(frame)
        } catch {
            failure = .recording(error.reason)
        }
        shots += Int(frame.header.shots)
        return true
    }

    /// The outcome of a recording that is over. The board can be used for something else; the client is told of a
    /// complete recording once its frames are kept, after it was reported.
    func outcome(_ book: LaneBook) -> JobOutcome {
        if let failure { return .failed(failure) }
        guard isComplete else {
            precondition(
                job.isCancelled, "a recording ends when it is complete, fails or is cancelled")
            return .failed(.cancelled)
        }
        let shots = earlierShots + shots
        return .finished { [job, sink, total = recording.totalShots] in
            sink.end { result in
                switch result {
                case .success(let bytes):
                    book.report(.recorded(shots: shots))
                    job.finish(Record.Reply(shotsDone: shots, shotsTotal: total, bytes: bytes))
                case .failure(let error): job.fail(.recording(error.reason))
                }
            }
        }
    }

    /// The outcome of a recording whose board has failed: told once the frames that came before are kept.
    func outcome(after error: BoardError) -> JobOutcome {
        guard hasBegun else { return .failed(.board(error.description)) }
        return .finished { [job, sink] in
            sink.end { _ in job.fail(.board(error.description)) }
        }
    }
}
