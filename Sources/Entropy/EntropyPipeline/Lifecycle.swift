// SPDX-License-Identifier: Apache-2.0

/// Carries out what the state machine of a pipeline decides. For the pipeline's thread.
final class Lifecycle {
    private var machine = PipelineMachine()
    private let gate: OutputGate
    private let book: LaneBook

    init(gate: OutputGate, book: LaneBook) {
        self.gate = gate
        self.book = book
    }

    var state: PipelineMachine.State { machine.state }

    /// The stage of the lanes; nil when nothing is judged.
    var stage: PipelineMachine.Stage? { machine.state.stage }

    /// Whether no frame of the stream has come yet.
    var isSilent: Bool {
        switch machine.state {
        case .silent, .waiting(_, .silent): true
        default: false
        }
    }

    /// Whether an activity has the board for itself, which is shown whether the source is silent or not.
    var isWithheld: Bool { if case .withheld = machine.state { true } else { false } }

    /// Whether the next frame changes what the pipeline is doing, because none has come yet or for long.
    var isAwaitingFrame: Bool {
        switch machine.state {
        case .silent, .waiting: true
        default: false
        }
    }

    /// Moves on, and does at once what follows from it.
    func handle(_ event: PipelineMachine.Event) {
        let actions = machine.handle(event)
        if actions.contains(.openGate) { gate.open() }
        if actions.contains(.closeGate) { gate.close() }
        if actions.contains(.endOutput) { gate.end() }
        if actions.contains(.report), let reported = machine.state.reported { book.show(reported) }
        if let isOpen = machine.state.isGateOpen {
            precondition(gate.isOpen == isOpen, "the gate is as the state says")
        }
    }
}
