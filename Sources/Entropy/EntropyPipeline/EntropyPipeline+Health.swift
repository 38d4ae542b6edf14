// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyRing
import LaneHealth
import LinuxPlatform
import OperatingPointControl
import Synchronization

/// What a run tells the pipeline, on the pipeline's thread: the book of the lanes, and the gate.
extension EntropyPipeline {
    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Waits, but not when the pipeline is to stop or there is a job.
    func rest(milliseconds: Int32) {
        guard !isStopping, !hasJob else { return }
        _ = heartbeat.waiting { attention.wait(milliseconds: milliseconds) }
    }

    func report(_ event: PipelineEvent) { onEvent(event) }

    /// What a window showed.
    struct Verdict {
        /// How many lanes' bits in the window may be used.
        var good: Int
        /// Whether the lanes move together, so that none may be.
        var isCorrelated: Bool
    }

    /// Begins a new book of the lanes.
    func beginTests(_ description: BoardDescription) {
        book.withLock { book in
            book.description = description
            book.ledger = LaneLedger(
                lanes: description.lanes, startUpWindows: settings.startUpWindows,
                healthEpoch: source.healthEpoch.load(ordering: .relaxed))
            book.monitor = LaneMonitor(lanes: description.lanes)
        }
    }

    func becomeTested(isTuning: Bool) { become(isTuning ? .tuning : .starting) }

    func publish(_ trim: TrimStatus?) { book.withLock { $0.trim = trim } }

    /// Enters what the board measured about its devices.
    func measured(_ telemetry: BoardTelemetry) {
        let resistance = ResistanceTest(ohms: telemetry.resistanceOhms)
        book.withLock { book in
            book.telemetry = telemetry
            book.ledger?.measured(resistance)
        }
    }

    /// Enters a tested window into the book.
    ///
    /// - Parameter usable: receives the lanes whose bits in the window may be used, a bit each: those
    ///   that were admitted before it and still are. The window that completes the start-up test of
    ///   a lane is part of the test, and not used.
    func judge(_ window: HealthWindow, usable: UnsafeMutablePointer<UInt64>) -> Verdict {
        let (verdict, epoch) = book.withLock { book in
            guard var ledger = book.ledger.take() else {
                preconditionFailure("a board that runs was opened")
            }
            window.compare(lanes: ledger.unfailed)
            book.monitor?.add(window)
            let wasAdmitted = ledger.crossLane.isAdmitted
            for (word, lanes) in ledger.admitted.enumerated() { usable[word] = lanes }
            let finding = crossLaneTest.finding(
                ratio: window.varianceRatio, lanes: window.comparedLanes)
            ledger.judge(window.findings, crossLane: finding) { alarm in
                book.add(TimedAlarm(alarm: alarm, time: secondsSinceEpoch()))
                onEvent(.alarm(alarm))
            }
            var good = 0
            for (word, lanes) in ledger.admitted.enumerated() {
                usable[word] &= lanes
                good += usable[word].nonzeroBitCount
            }
            defer { book.ledger = ledger }
            let isCorrelated = !(wasAdmitted && ledger.crossLane.isAdmitted)
            return (Verdict(good: good, isCorrelated: isCorrelated), ledger.healthEpoch)
        }
        source.healthEpoch.store(epoch, ordering: .relaxed)
        return verdict
    }

    /// Lets bits out, if that is not so already.
    func becomeServing() {
        if !source.isOpen { source.open() }
        become(.serving)
    }

    /// Lets nothing out; what is in the rings is discarded.
    func closeGate() { if source.isOpen { source.close() } }

    /// Closes the gate for something else that is done with the board.
    func becomeWithheld(_ state: PipelineState) {
        closeGate()
        become(state)
    }

    /// Lets out what is in the rings, and nothing new.
    func becomeRecording() { become(.recording) }

    /// Goes on after a recording of the running stream. Where the gate was closed meanwhile, the next
    /// window tells how.
    func endRecording(isTuning: Bool) {
        let isStartingUp = book.withLock { $0.ledger?.windows ?? 0 } < settings.startUpWindows
        if isTuning {
            become(.tuning)
        } else if source.isOpen {
            become(.serving)
        } else if isStartingUp {
            become(.starting)
        }
    }

    /// Remembers where to go back to, should the board fail before `hasMoved`.
    func willMove(from description: BoardDescription) {
        book.withLock { $0.before[description.serial] = description.operatingPoint }
    }

    func hasMoved(_ description: BoardDescription) {
        book.withLock { $0.before[description.serial] = nil }
    }

    /// Lets no bits out.
    ///
    /// - Returns: whether that is more than the start-up test of a board that was just opened.
    func becomeUnhealthy(_ verdict: Verdict, minimum: Int) -> Bool {
        let isStartingUp = book.withLock { book in
            let windows = book.ledger?.windows ?? 0
            return book.state == .starting && windows <= settings.startUpWindows
        }
        guard !isStartingUp else { return false }
        closeGate()
        become(
            verdict.good < minimum
                ? .unhealthy(good: verdict.good, minimum: minimum) : .correlated)
        return true
    }

    func become(_ state: PipelineState) {
        let changed = book.withLock { book in
            guard book.state != state else { return false }
            let isSameKind = book.state.isSameKind(as: state)
            book.state = state
            if !isSameKind { book.stateSince = secondsSinceEpoch() }
            return !isSameKind
        }
        if changed { onEvent(.became(state)) }
    }
}
