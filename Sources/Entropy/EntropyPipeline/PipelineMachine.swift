// SPDX-License-Identifier: Apache-2.0

package import BoardInterface

/// The life of a pipeline: the one place that decides what a pipeline is doing, whether bits may leave, and
/// which events may come next.
///
/// A value without effects: events in, actions out. An event that is illegal in the current state is a
/// programming error; it traps and names the state that it met.
package struct PipelineMachine: Sendable {
    package enum State: Sendable, Equatable {
        /// No board is open; one is opened after a wait. Holds why the last one failed, nil before the first try.
        case closed(BoardError?)
        /// The board's stream runs, and no frame has come: nothing is reported, because a board that can be
        /// opened and sends nothing would otherwise seem to work again and again.
        case silent(Stage)
        /// Windows are tested, and their bits are served as far as the stage allows.
        case streaming(Stage)
        /// As `streaming`, while frames go to a recording as well.
        case recording(Stage)
        /// The source of the board is silent, as the text says; what is in the rings may be taken as in the state that
        /// goes on with the next frame: `silent`, `streaming` or `recording`.
        indirect case waiting(String, State)
        /// An activity has the board for itself; nothing is judged or served.
        case withheld(Purpose)
        /// The board has ended, and bits that are still in the rings may be taken.
        case draining(BoardError)
        /// The board has ended, and nothing can be taken any more.
        case ended(BoardError)
        /// The pipeline was stopped. There is no way out.
        case stopped
    }

    /// What is known of the lanes while the stream runs.
    package enum Stage: Sendable, Equatable {
        /// The trims of the lanes are being learned; no window is judged.
        case learning
        /// The lanes are in their start-up test, or enough of them are good again and no window has been
        /// served since.
        case starting
        /// Enough lanes are good: bits are served.
        case open
        /// Lanes have failed: nothing is served until enough have passed the start-up test again.
        case shut(Shortage)
    }

    /// Why nothing can be served although the stream runs.
    package enum Shortage: Sendable, Equatable {
        /// Fewer lanes are good than the minimum.
        case lanes(good: Int, minimum: Int)
        /// The lanes are correlated with one another.
        case correlated
        /// The board sends bits again that it sent before.
        case repeating
        /// Clients have the lanes, or had them and they are not known to be good since.
        case leased
    }

    /// What an activity does that has the board for itself.
    package enum Purpose: Sendable, Equatable {
        /// The operating point is being set; what is reported stays as it was.
        case settingPoint
        /// Operating points are being measured.
        case sweeping
        /// The board is started again and again for a recording.
        case recordingStarts
        /// A client has the array for itself, because the board cannot stream beside it.
        case leasing
    }

    /// What a judged window says of the lanes.
    package enum Verdict: Sendable, Equatable {
        case healthy
        /// Too few lanes are good, as is normal during the first start-up test.
        case startUp
        case unhealthy(Shortage)
    }

    package enum Event: Sendable, Equatable {
        /// A board was opened and its stream was started.
        case boardOpened
        /// The first frame of a stream has come.
        case firstFrame
        /// The source that feeds the board has been silent for long; says what is waited for.
        case sourceFellSilent(String)
        /// A frame has come after such a silence.
        case sourceResumed
        /// The lanes restart: with learning their trims, or with the start-up test.
        case lanesRestarted(isLearning: Bool)
        /// The trims were learned.
        case trimsLearned
        /// A window was judged. One that is in a recording, even in part, is not served.
        case windowJudged(Verdict, isServed: Bool)
        /// An activity takes the board for itself.
        case boardWithheld(Purpose)
        case recordingBegan
        case recordingEnded
        /// The board failed or ended, or could not be opened.
        case boardFailed(BoardError)
        /// The rings of a board that has ended were emptied.
        case ringsEmptied
        case stopped
    }

    /// What follows from an event, done in the order of the members.
    package struct Actions: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Let bits out that are published from now on.
        package static let openGate = Actions(rawValue: 1)
        /// Let nothing out, and discard what is in the rings.
        package static let closeGate = Actions(rawValue: 2)
        /// Say that no bit will be published any more.
        package static let endOutput = Actions(rawValue: 4)
        /// Show the state that `reported` says.
        package static let report = Actions(rawValue: 8)
    }

    package private(set) var state: State

    package init(_ state: State = .closed(nil)) { self.state = state }

    /// Moves on.
    ///
    /// - Returns: what has to be done now.
    package mutating func handle(_ event: Event) -> Actions {
        let old = state
        state = next(event)
        guard state != old else { return [] }
        var actions: Actions = []
        if let isOpen = state.isGateOpen, isOpen != (old.isGateOpen ?? false) {
            actions.insert(isOpen ? .openGate : .closeGate)
        }
        if state.hasEnded, !old.hasEnded { actions.insert(.endOutput) }
        if let reported = state.reported, reported != old.reported { actions.insert(.report) }
        return actions
    }

    private func next(_ event: Event) -> State {
        switch (state, event) {
        case (.closed, .boardOpened): .silent(.starting)
        case (.silent(let stage), .firstFrame): .streaming(stage)
        case (.waiting(_, let suspended), _): next(event, whileWaitingIn: suspended)
        case (.silent, .sourceFellSilent(let awaited)), (.streaming, .sourceFellSilent(let awaited)),
            (.recording, .sourceFellSilent(let awaited)):
            .waiting(awaited, state)
        case (.silent, .lanesRestarted(let isLearning)): .silent(Self.first(isLearning))
        case (.withheld, .lanesRestarted(let isLearning)): .streaming(Self.first(isLearning))
        case (.streaming(.learning), .trimsLearned): .streaming(.starting)
        case (.recording(.learning), .trimsLearned): .recording(.starting)
        case (.streaming(let stage), .windowJudged(let verdict, let isServed)):
            .streaming(self.stage(after: verdict, isServed: isServed, from: stage))
        case (.recording(let stage), .windowJudged(let verdict, let isServed)):
            .recording(self.stage(after: verdict, isServed: isServed, from: stage))
        case (.streaming, .boardWithheld(let purpose)): .withheld(purpose)
        case (.streaming(let stage), .recordingBegan): .recording(stage)
        case (.recording(let stage), .recordingEnded): .streaming(stage)
        case (.closed, .boardFailed(let error)), (.silent, .boardFailed(let error)),
            (.streaming, .boardFailed(let error)), (.recording, .boardFailed(let error)),
            (.withheld, .boardFailed(let error)):
            state(after: error)
        case (.draining(let error), .ringsEmptied): .ended(error)
        case (.closed, .stopped), (.silent, .stopped), (.streaming, .stopped),
            (.recording, .stopped), (.withheld, .stopped), (.draining, .stopped),
            (.ended, .stopped):
            .stopped
        default: illegal(event)
        }
    }

    /// The state after an event that comes while the source is silent.
    private func next(_ event: Event, whileWaitingIn suspended: State) -> State {
        switch event {
        case .sourceFellSilent(let awaited): return .waiting(awaited, suspended)
        case .sourceResumed: return suspended
        case .recordingBegan, .recordingEnded, .boardWithheld, .boardFailed, .stopped:
            let after = PipelineMachine(suspended).next(event)
            switch after {
            case .streaming, .recording:
                guard case .waiting(let awaited, _) = state else { illegal(event) }
                return .waiting(awaited, after)
            default: return after
            }
        case .boardOpened, .firstFrame, .lanesRestarted, .trimsLearned, .windowJudged, .ringsEmptied:
            illegal(event)
        }
    }

    private static func first(_ isLearning: Bool) -> Stage { isLearning ? .learning : .starting }

    private func stage(after verdict: Verdict, isServed: Bool, from stage: Stage) -> Stage {
        switch (stage, verdict) {
        case (.starting, .startUp): .starting
        case (.open, .healthy): .open
        case (.starting, .healthy), (.shut, .healthy): isServed ? .open : .starting
        case (.starting, .unhealthy(let shortage)), (.open, .unhealthy(let shortage)),
            (.shut, .unhealthy(let shortage)):
            .shut(shortage)
        case (.learning, _), (.open, .startUp), (.shut, .startUp):
            illegal(.windowJudged(verdict, isServed: isServed))
        }
    }

    private func state(after error: BoardError) -> State {
        guard case .ended = error else { return .closed(error) }
        return state.isGateOpen == true ? .draining(error) : .ended(error)
    }

    private func illegal(_ event: Event) -> Never {
        fatalError("the event \(event) is illegal in the state \(state)")
    }
}

extension PipelineMachine.State {
    /// Whether bits may leave; nil where the state leaves that as it is.
    package var isGateOpen: Bool? {
        switch self {
        case .streaming(.open), .recording(.open), .draining: true
        case .waiting(_, let suspended): suspended.isGateOpen
        case .closed, .silent, .streaming, .recording, .withheld, .ended: false
        case .stopped: nil
        }
    }

    /// Whether no bit will be published any more.
    package var hasEnded: Bool {
        switch self {
        case .draining, .ended: true
        case .closed, .silent, .streaming, .recording, .waiting, .withheld, .stopped: false
        }
    }

    /// What is shown to the outside; nil where it stays as it is.
    package var reported: PipelineState? {
        switch self {
        case .closed(nil), .silent, .withheld(.settingPoint), .stopped: nil
        case .closed(let error?): .failed(error)
        case .streaming(let stage): stage.reported
        case .waiting(let awaited, _): .waiting(awaited)
        case .recording, .withheld(.recordingStarts): .recording
        case .withheld(.sweeping): .calibrating
        case .withheld(.leasing): .leased
        case .draining(let error), .ended(let error): .ended(error)
        }
    }

    /// What is known of the lanes; nil when no stream runs, or nothing is judged.
    package var stage: PipelineMachine.Stage? {
        switch self {
        case .silent(let stage), .streaming(let stage), .recording(let stage): stage
        case .waiting(_, let suspended): suspended.stage
        case .closed, .withheld, .draining, .ended, .stopped: nil
        }
    }
}

extension PipelineMachine.Stage {
    fileprivate var reported: PipelineState {
        switch self {
        case .learning: .tuning
        case .starting: .starting
        case .open: .serving
        case .shut(.lanes(let good, let minimum)): .unhealthy(good: good, minimum: minimum)
        case .shut(.correlated): .correlated
        case .shut(.repeating): .repeating
        case .shut(.leased): .leased
        }
    }
}
