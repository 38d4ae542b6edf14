// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardOperations
import BoardProtocol
import LaneHealth
import LeaseProtocol
import Synchronization

/// The time from the opening of a board to its closing: takes frames into windows and windows to activities.
///
/// For the pipeline's thread. In the steady state nothing here allocates, locks, logs or suspends per shot or
/// frame.
final class BoardSession {
    /// How long windows do not wait.
    private enum Haste {
        case none
        /// Until a frame has come, and a window with shots of it is full.
        case untilFrame
        /// Until the window under way is full.
        case untilWindow
    }

    private let context: ActivityContext
    private let standing: [any Activity]
    /// The job under way, and what does it.
    private var current: (job: PipelineJob, activity: any Activity)?
    /// The activities that look at a window, in their order.
    private var observers: [any Activity]
    /// The one of them whose turn it is with the full window.
    private var nextObserver = 0
    /// The shots of the frame under way that no window has taken. The memory is the frame reader's, which is not
    /// used until they are gone.
    private var shots = UnsafeRawBufferPointer(start: nil, count: 0)
    private var frameUse = FrameUse.tested
    private var haste = Haste.none

    init(_ context: ActivityContext) {
        self.context = context
        standing = Activities.standing(context)
        observers = standing
    }

    private var stream: BoardStream { context.stream }
    private var window: HealthWindow { context.stream.window }

    /// Whether a frame is under way: the rest of it waits, or a window that is not done with.
    private var isFrameUnderWay: Bool { !shots.isEmpty || window.isFull }

    // MARK: Turns

    /// Goes on with the frame under way, or reads the board and begins with what came. Between two reads a job
    /// begins or goes on.
    func turn() throws(BoardError) -> PipelineWait {
        try context.leases.serve()
        if !isFrameUnderWay {
            try advanceJob()
            if stream.isStopped {
                return context.leases.hasWork ? .none : .until(PipelineWait.Ends(changes: stream.changes))
            }
            try stream.read()
        }
        while true {
            if isFrameUnderWay {
                if let ends = try fillWindows() { return context.leases.hasWork ? .none : .until(ends) }
                stream.restartPatience()
            }
            guard !context.jobs.isClosed else { return .none }
            guard let frame = stream.nextFrame() else { break }
            begin(frame)
        }
        if let awaited = try stream.checkPatience(ofFirstFrame: context.lifecycle.isSilent),
            !context.lifecycle.isWithheld
        {
            context.lifecycle.handle(.sourceFellSilent(awaited))
        }
        return .none
    }

    /// Shows soon what was done to the board: no window waits until one with shots read
    /// from now on is tested.
    func hasten() { haste = .untilFrame }

    /// Restarts the lanes. Called between two reads.
    func restart(_ restart: LaneRestart) throws(BoardError) {
        precondition(!isFrameUnderWay, "lanes begin anew between two frames")
        stream.forgetWindow()
        for activity in standing { try activity.restart(restart) }
        context.book.restartLanes(stream.description)
        context.lifecycle.handle(.lanesRestarted(isLearning: context.book.isLearning))
    }

    /// Cancels the job under way, which leaves the board as it was.
    func cancelJob() throws(BoardError) {
        guard let job = current?.job else { return }
        abandonFrame()
        job.handle.cancel()
        try advanceJob()
        precondition(current == nil, "a job that was cancelled ends at once")
    }

    /// Fails the job under way, because the board has failed.
    func failJob(_ error: BoardError) {
        guard let (job, activity) = current else { return }
        end(job, activity.outcome(after: error))
    }

    /// Gives the board back. Called once; nothing else is called afterwards.
    ///
    /// - Parameter reason: why leases end.
    func close(_ reason: LeaseReply.Status) {
        context.leases.end(reason)
        stream.close()
    }

    // MARK: Jobs

    private func advanceJob() throws(BoardError) {
        if current == nil { beginJob() }
        guard let (job, activity) = current, let result = try activity.advance() else { return }
        if let restart = result.restart { try self.restart(restart) }
        end(job, result.outcome)
    }

    /// Takes the job that waits. A board that has sent nothing yet does none, and one whose source is silent from the
    /// beginning fails it.
    private func beginJob() {
        if case .silent = context.lifecycle.state { return }
        guard let job = context.jobs.take(needsOpenBoard: true) else { return }
        if case .waiting(let awaited, .silent) = context.lifecycle.state {
            return context.jobs.finish(job, .failed(.board("it waits for its source: \(awaited)")))
        }
        guard case .activity(let make) = job.work.kind else {
            preconditionFailure("a job that needs an open board is an activity")
        }
        let activity = make(context)
        current = (job, activity)
        observers = [activity] + standing
    }

    private func end(_ job: PipelineJob, _ outcome: JobOutcome) {
        current = nil
        observers = standing
        context.jobs.finish(job, outcome)
    }

    // MARK: Frames and windows

    private func begin(_ frame: FrameReader.Frame) {
        if haste == .untilFrame { haste = .untilWindow }
        if context.lifecycle.isAwaitingFrame { resume() }
        frameUse = current?.activity.take(frame) ?? .tested
        if frameUse == .untested {
            stream.restartPatience()
        } else {
            shots = frame.payload
        }
    }

    /// Says that frames come, for the first time or again.
    private func resume() {
        if case .waiting = context.lifecycle.state { context.lifecycle.handle(.sourceResumed) }
        guard context.lifecycle.isSilent else { return }
        context.book.report(.opened(stream.description))
        context.lifecycle.handle(.firstFrame)
    }

    /// Fills windows from the frame under way, and takes each full one to the activities.
    ///
    /// - Returns: what is waited for; nil once the frame is used up, or when the pipeline stops.
    private func fillWindows() throws(BoardError) -> PipelineWait.Ends? {
        while true {
            if window.isFull, let ends = try observeWindow() { return ends }
            guard !shots.isEmpty, !context.jobs.isClosed else { return nil }
            if frameUse == .recorded { stream.isWindowRecorded = true }
            let taken = window.append(shots)
            shots = UnsafeRawBufferPointer(rebasing: shots.dropFirst(taken))
            if window.isFull {
                window.exceptFromPeriod(context.leases.away)
                window.test()
            }
        }
    }

    /// Takes the full window to the activities one after another, and empties it.
    ///
    /// - Returns: what is waited for; nil once the window is done with.
    private func observeWindow() throws(BoardError) -> PipelineWait.Ends? {
        if haste == .untilWindow { haste = .none }
        let mayWait =
            current == nil && haste == .none && !context.jobs.hasBoardJob
            && !context.jobs.isClosed
        while nextObserver < observers.count {
            switch try observers[nextObserver].take(window, mayWait: mayWait) {
            case .next: nextObserver += 1
            case .finished: nextObserver = observers.count
            case .wait(let ends):
                precondition(mayWait, "an activity waits only when it may")
                return ends
            }
        }
        nextObserver = 0
        window.advance()
        context.leases.windowPassed()
        stream.isWindowRecorded = false
        return nil
    }

    /// Leaves what is under way: the board stops.
    private func abandonFrame() {
        shots = UnsafeRawBufferPointer(start: nil, count: 0)
        nextObserver = 0
        stream.forgetWindow()
    }
}
