// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

/// Passes the frames of one start of a board on to a sink.
struct FrameRecorder {
    let sink: any FrameSink
    /// The number of shots kept of this start.
    private(set) var shots = 0
    /// The number of starts that are complete.
    private(set) var starts = 0
    /// Why frames cannot be kept; nil while they can.
    private(set) var failure: BoardJob.Failure?

    init(_ sink: any FrameSink) { self.sink = sink }

    var isStartComplete: Bool { shots >= sink.shotsPerStart }

    /// Whether all shots of all starts are kept.
    var isComplete: Bool { starts == sink.starts - 1 && isStartComplete }

    /// The number of shots wanted of all starts.
    var wantedShots: Int { sink.shotsPerStart * sink.starts }

    /// The number of shots kept of all starts, of those that are wanted.
    var shotsDone: Int { starts * sink.shotsPerStart + shots }

    /// Begins the recording.
    ///
    /// - Returns: why that is not possible; nil when it is.
    mutating func begin(_ stream: BoardStream) -> BoardJob.Failure? {
        do throws(FrameSinkError) {
            try sink.begin(stream.description)
        } catch {
            failure = .recording(error.reason)
        }
        // It may have waited for a disk.
        stream.restartPatience()
        return failure
    }

    mutating func beginNextStart() {
        starts += 1
        shots = 0
    }

    /// Keeps a frame, if it is wanted.
    ///
    /// - Returns: whether it was handed to the sink.
    mutating func take(_ frame: FrameReader.Frame) -> Bool {
        guard !isStartComplete, failure == nil else { return false }
        do throws(FrameSinkError) {
            try sink.add(frame)
        } catch {
            failure = .recording(error.reason)
        }
        shots += Int(frame.header.shots)
        return true
    }

    /// The outcome of a recording that is over; a complete one is reported.
    func outcome(isCancelled: Bool, _ book: LaneBook) -> BoardJob.State {
        if let failure { return .failed(failure) }
        guard isComplete else {
            precondition(isCancelled, "a recording ends when it is complete, fails or is cancelled")
            return .failed(.cancelled)
        }
        book.report(.recorded(shots: wantedShots))
        return .recorded(shots: wantedShots)
    }
}
