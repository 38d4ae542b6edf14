// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import LaneHealth
import LinuxPlatform
import OperatingPointControl

/// What is done with a board that runs, beside serving its bits.
extension BoardRun {
    /// Does a job and says in it what came of it. An error of the board is thrown as well.
    func perform(_ job: BoardJob) throws(BoardError) {
        isBusy = true
        defer { isBusy = false }
        do {
            pipeline.finish(job, try outcome(of: job))
        } catch {
            // Who sees that the job has failed is to see why.
            pipeline.fail(error)
            pipeline.finish(job, .failed(.board(error.description)))
            throw error
        }
    }

    private func outcome(of job: BoardJob) throws(BoardError) -> BoardJob.State {
        guard !job.isCancelled else { return .failed(.cancelled) }
        return switch job.task {
        case .setOperatingPoint(let point): try setOperatingPoint(point)
        case .sweep(let plan): try sweep(plan, job)
        case .record(let sink): try record(sink, job)
        case .inject, .clearFaults: pipeline.performWhileClosed(job.task)
        }
    }

    private func setOperatingPoint(
        _ point: OperatingPoint
    ) throws(BoardError) -> BoardJob.State {
        guard let tunable, let tuning = description.tuning else { return .failed(.notTunable) }
        if let violation = tuning.violation(of: point) { return .failed(.outOfRange(violation)) }
        pipeline.closeGate()
        pipeline.willMove(from: description)
        try restartStream { () throws(BoardError) in try set(point, untrimmed: tunable) }
        pipeline.hasMoved(description)
        adopt(point)
        try restartTuning()
        pipeline.report(.operatingPointSet(point))
        return .finished
    }

    private func set(
        _ point: OperatingPoint, untrimmed tunable: any TunableBoard
    ) throws(BoardError) {
        try tunable.setOperatingPoint(point)
        try tunable.setTrims([Int16](repeating: 0, count: description.lanes))
    }

    // MARK: Sweeps

    private func sweep(
        _ plan: SweepPlan, _ job: BoardJob
    ) throws(BoardError) -> BoardJob.State {
        guard let tunable, let tuning = description.tuning else { return .failed(.notTunable) }
        if let violation = plan.points.lazy.compactMap(tuning.violation(of:)).first {
            return .failed(.outOfRange(violation))
        }
        pipeline.becomeWithheld(.calibrating)
        pipeline.willMove(from: description)
        let sweep = try measure(plan, tunable, job)
        let before = description.operatingPoint
        try restartStream { () throws(BoardError) in try set(before, untrimmed: tunable) }
        pipeline.hasMoved(description)
        try restartTuning()
        return sweep.map(BoardJob.State.swept) ?? .failed(.cancelled)
    }

    /// - Returns: nil when it was ended before.
    private func measure(
        _ plan: SweepPlan, _ tunable: any TunableBoard, _ job: BoardJob
    ) throws(BoardError) -> Sweep? {
        var points: [SweepPoint] = []
        for point in plan.points {
            job.enter(.running(done: points.count, total: plan.points.count))
            guard let measured = try measure(point, plan, tunable, job) else { return nil }
            points.append(measured)
        }
        let sweep = Sweep(points: points, encoding: description.encoding)
        guard let proposal = sweep.unmeasuredProposal else { return sweep }
        return try measure(proposal, plan, tunable, job).map(sweep.checked(by:))
    }

    private func measure(
        _ point: OperatingPoint, _ plan: SweepPlan, _ tunable: any TunableBoard, _ job: BoardJob
    ) throws(BoardError) -> SweepPoint? {
        guard !pipeline.isStopping, !job.isCancelled else { return nil }
        try restartStream { () throws(BoardError) in try set(point, untrimmed: tunable) }
        return try measure(windows: plan.windowsPerPoint, job).map {
            SweepPoint(point: point, lanes: $0, encoding: description.encoding)
        }
    }

    /// Measures every lane's share of ones and of changes, after one window in which the devices forget
    /// where they were.
    ///
    /// - Returns: nil when it was ended before.
    private func measure(
        windows: Int, _ job: BoardJob
    ) throws(BoardError) -> [(ones: Double, changes: Double)]? {
        var lanes = [(ones: Int, changes: Int)](repeating: (0, 0), count: description.lanes)
        let everyLane = [UInt64](repeating: ~0, count: description.wordsPerShot)
        var seen = -1
        while seen < windows {
            guard !pipeline.isStopping, !job.isCancelled else { return nil }
            try readFrames { (frame) throws(BoardError) in
                try fillWindows(from: frame) { () throws(BoardError) in
                    window.test()
                    window.compare(lanes: everyLane)
                    if (0..<windows).contains(seen) { window.addCounts(to: &lanes) }
                    window.advance()
                    seen += 1
                }
            }
        }
        let shots = Double(windows * HealthCutoffs.windowShots)
        return lanes.map { (Double($0.ones) / shots, Double($0.changes) / shots) }
    }

    // MARK: Recordings

    private func record(
        _ sink: any FrameSink, _ job: BoardJob
    ) throws(BoardError) -> BoardJob.State {
        let shots = sink.shotsPerStart * sink.starts
        switch recordAll(sink, job) {
        case nil:
            pipeline.report(.recorded(shots: shots))
            return .recorded(shots: shots)
        case .sink(let error): return .failed(.recording(error.reason))
        case .cancelled: return .failed(.cancelled)
        case .board(let error): throw error
        }
    }

    /// - Returns: why it stopped before its end; nil when it did not.
    private func recordAll(_ sink: any FrameSink, _ job: BoardJob) -> RecordingStop? {
        Self.stop { () throws(RecordingStop) in
            try sinking { () throws(FrameSinkError) in try sink.begin(description) }
            waitAnew()
            if sink.starts == 1 {
                try recordRunningStream(sink, job)
            } else {
                try recordStarts(sink, job)
            }
        }
    }

    private func recordRunningStream(
        _ sink: any FrameSink, _ job: BoardJob
    ) throws(RecordingStop) {
        let stop = Self.stop { () throws(RecordingStop) in try recordStart(sink, done: 0, job) }
        // A board that failed goes on by being opened again.
        if case .board(let error) = stop { throw .board(error) }
        pipeline.endRecording(isTuning: isLearning)
        if let stop { throw stop }
    }

    /// Starts the board again and again, and once more in the end, to serve.
    private func recordStarts(_ sink: any FrameSink, _ job: BoardJob) throws(RecordingStop) {
        pipeline.becomeWithheld(.recording)
        let stop = Self.stop { () throws(RecordingStop) in
            for start in 0..<sink.starts {
                try board { () throws(BoardError) in try restartStream {} }
                try recordStart(sink, done: start * sink.shotsPerStart, job)
            }
        }
        if case .board(let error) = stop { throw .board(error) }
        try board { () throws(BoardError) in try restartStream {} }
        restartTests()
        if let stop { throw stop }
    }

    private static func stop(_ body: () throws(RecordingStop) -> Void) -> RecordingStop? {
        do throws(RecordingStop) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    /// Why a recording stops before its end.
    private enum RecordingStop: Error {
        case sink(FrameSinkError)
        case board(BoardError)
        case cancelled
    }

    private static func failure(
        _ body: () throws(FrameSinkError) -> Void
    ) -> FrameSinkError? {
        do throws(FrameSinkError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    private func sinking(
        _ body: () throws(FrameSinkError) -> Void
    ) throws(RecordingStop) {
        do throws(FrameSinkError) { try body() } catch { throw .sink(error) }
    }

    private func board(_ body: () throws(BoardError) -> Void) throws(RecordingStop) {
        do throws(BoardError) { try body() } catch { throw .board(error) }
    }

    /// Keeps the frames of one start of the board, or of the running stream. The lanes of a running
    /// stream go on being tested, and what is recorded of it is served to nobody.
    private func recordStart(
        _ sink: any FrameSink, done: Int, _ job: BoardJob
    ) throws(RecordingStop) {
        let total = sink.shotsPerStart * sink.starts
        let isRunningStream = sink.starts == 1
        var shots = 0
        var failure: FrameSinkError?
        while shots < sink.shotsPerStart, failure == nil {
            guard !pipeline.isStopping, !job.isCancelled else { throw .cancelled }
            job.enter(.running(done: done + shots, total: total))
            if isRunningStream { pipeline.becomeRecording() }
            try board { () throws(BoardError) in
                try readFrames { (frame) throws(BoardError) in
                    let isWanted = shots < sink.shotsPerStart && failure == nil
                    if isWanted {
                        failure = Self.failure { () throws(FrameSinkError) in
                            try sink.add(frame)
                        }
                        shots += Int(frame.header.shots)
                    }
                    if isRunningStream { try take(frame, as: isWanted ? .recorded : .served) }
                }
            }
        }
        if let failure { throw .sink(failure) }
    }
}

extension HealthWindow {
    /// Adds the counts of a compared window to those of each lane.
    fileprivate func addCounts(to lanes: inout [(ones: Int, changes: Int)]) {
        for lane in lanes.indices {
            lanes[lane].ones += count(in: onesPlanes, ofLane: lane)
            lanes[lane].changes += count(in: changePlanes, ofLane: lane)
        }
    }
}
