// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import EntropyPipeline
import Testing

@Suite(
    "The state machine of a pipeline: scripts of events, states and actions; illegal events trap")
struct PipelineMachineTests {
    private typealias Step = (
        event: PipelineMachine.Event, state: PipelineMachine.State,
        actions: PipelineMachine.Actions
    )

    private static let absent = BoardError.absent("unplugged")
    private static let end = BoardError.ended("the recording has ended")
    private static let few = PipelineMachine.Shortage.lanes(good: 3, minimum: 32)

    private static let healthy = PipelineMachine.Event.windowJudged(.healthy, isServed: true)
    private static let recorded = PipelineMachine.Event.windowJudged(.healthy, isServed: false)
    private static let startUp = PipelineMachine.Event.windowJudged(.startUp, isServed: true)
    private static func unhealthy(
        _ shortage: PipelineMachine.Shortage = few, isServed: Bool = true
    ) -> PipelineMachine.Event {
        .windowJudged(.unhealthy(shortage), isServed: isServed)
    }

    /// Feeds a machine, and checks every state and all actions on the way.
    private func expect(
        _ steps: [Step], from start: PipelineMachine.State = .closed(nil),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var machine = PipelineMachine(start)
        for (number, step) in steps.enumerated() {
            let actions = machine.handle(step.event)
            #expect(machine.state == step.state, "step \(number)", sourceLocation: sourceLocation)
            #expect(actions == step.actions, "step \(number)", sourceLocation: sourceLocation)
        }
    }

    @Test("a board is opened, tested and served, and stays so")
    func serves() {
        expect([
            (.boardOpened, .silent(.starting), []),
            (.lanesRestarted(isLearning: false), .silent(.starting), []),
            (.firstFrame, .streaming(.starting), .report),
            (Self.startUp, .streaming(.starting), []),
            (Self.healthy, .streaming(.open), [.openGate, .report]),
            (Self.healthy, .streaming(.open), []),
        ])
    }

    @Test("trims are learned before anything is tested")
    func learns() {
        expect([
            (.boardOpened, .silent(.starting), []),
            (.lanesRestarted(isLearning: true), .silent(.learning), []),
            (.firstFrame, .streaming(.learning), .report),
            (.trimsLearned, .streaming(.starting), .report),
            (Self.healthy, .streaming(.open), [.openGate, .report]),
        ])
    }

    @Test("an unhealthy window closes the gate, its figures are shown, and a healthy one opens it")
    func shuts() {
        expect(
            [
                (Self.unhealthy(), .streaming(.shut(Self.few)), [.closeGate, .report]),
                (Self.unhealthy(), .streaming(.shut(Self.few)), []),
                (
                    Self.unhealthy(.lanes(good: 4, minimum: 32)),
                    .streaming(.shut(.lanes(good: 4, minimum: 32))), .report
                ),
                (Self.unhealthy(.correlated), .streaming(.shut(.correlated)), .report),
                (Self.healthy, .streaming(.open), [.openGate, .report]),
            ], from: .streaming(.open))
    }

    @Test("a start-up test that takes longer than it should is reported, and opens nothing")
    func neverHealthy() {
        expect(
            [
                (Self.startUp, .streaming(.starting), []),
                (Self.unhealthy(), .streaming(.shut(Self.few)), .report),
            ], from: .streaming(.starting))
    }

    @Test("a board that fails closes the gate and is opened again; one after another is reported")
    func fails() {
        expect(
            [
                (.boardFailed(Self.absent), .closed(Self.absent), [.closeGate, .report]),
                (.boardFailed(Self.absent), .closed(Self.absent), []),
                (.boardFailed(.busy("another")), .closed(.busy("another")), .report),
                (.boardOpened, .silent(.starting), []),
                (.boardFailed(.busy("another")), .closed(.busy("another")), .report),
            ], from: .streaming(.open))
    }

    @Test(
        "a board fails wherever it is open, and nothing leaves then",
        arguments: [
            .closed(nil), .silent(.learning), .streaming(.learning), .streaming(.starting),
            .streaming(.open), .streaming(.shut(.correlated)), .recording(.open),
            .recording(.starting), .withheld(.settingPoint), .withheld(.sweeping),
            .withheld(.recordingStarts),
        ] as [PipelineMachine.State])
    func failsAnywhere(state: PipelineMachine.State) {
        let close: PipelineMachine.Actions = state.isGateOpen == true ? .closeGate : []
        expect([(.boardFailed(Self.absent), .closed(Self.absent), [.report, close])], from: state)
    }

    @Test("a board that ends while bits are served is drained first")
    func drains() {
        expect(
            [
                (.boardFailed(Self.end), .draining(Self.end), [.endOutput, .report]),
                (.ringsEmptied, .ended(Self.end), .closeGate),
                (.stopped, .stopped, []),
            ], from: .streaming(.open))
    }

    @Test("a board that ends while nothing is served has ended at once")
    func endsAtOnce() {
        expect([(.boardFailed(Self.end), .ended(Self.end), [.endOutput, .report])])
        expect(
            [(.boardFailed(Self.end), .ended(Self.end), [.endOutput, .report])],
            from: .streaming(.shut(.correlated)))
    }

    @Test("a new operating point closes the gate, and is shown by the tests that follow it")
    func setsPoint() {
        expect(
            [
                (.boardWithheld(.settingPoint), .withheld(.settingPoint), .closeGate),
                (.lanesRestarted(isLearning: false), .streaming(.starting), .report),
            ], from: .streaming(.open))
    }

    @Test("a sweep and a recording of starts keep the board, and the lanes begin anew")
    func withholds() {
        expect(
            [
                (.boardWithheld(.sweeping), .withheld(.sweeping), [.closeGate, .report]),
                (.lanesRestarted(isLearning: true), .streaming(.learning), .report),
                (.boardWithheld(.recordingStarts), .withheld(.recordingStarts), .report),
                (.lanesRestarted(isLearning: false), .streaming(.starting), .report),
            ], from: .streaming(.open))
    }

    @Test("a recording of the running stream leaves the gate, until a window closes it")
    func records() {
        expect(
            [
                (.recordingBegan, .recording(.open), .report),
                (Self.recorded, .recording(.open), []),
                (Self.unhealthy(isServed: false), .recording(.shut(Self.few)), .closeGate),
                (.recordingEnded, .streaming(.shut(Self.few)), .report),
            ], from: .streaming(.open))
    }

    @Test("no window that is in a recording opens the gate, however healthy")
    func recordedOpensNothing() {
        expect(
            [
                (.recordingBegan, .recording(.learning), .report),
                (.trimsLearned, .recording(.starting), []),
                (Self.recorded, .recording(.starting), []),
                (.recordingEnded, .streaming(.starting), .report),
                (Self.recorded, .streaming(.starting), []),
                (Self.healthy, .streaming(.open), [.openGate, .report]),
            ], from: .streaming(.learning))
        expect(
            [(Self.recorded, .recording(.starting), [])], from: .recording(.shut(.correlated)))
    }

    @Test("a silent source leaves the gate and the stage, and the next frame goes on with them")
    func waits() {
        let few = PipelineMachine.State.streaming(.shut(Self.few))
        for state in [.streaming(.open), few, .recording(.open)] as [PipelineMachine.State] {
            expect(
                [
                    (.sourceFellSilent("a"), .waiting("a", state), .report),
                    (.sourceFellSilent("a"), .waiting("a", state), []),
                    (.sourceFellSilent("b"), .waiting("b", state), .report),
                    (.sourceResumed, state, .report),
                ], from: state)
        }
        expect(
            [
                (.sourceFellSilent("a"), .waiting("a", .silent(.starting)), .report),
                (.sourceResumed, .silent(.starting), []),
                (.firstFrame, .streaming(.starting), .report),
            ], from: .silent(.starting))
    }

    @Test("recordings, activities, failures and the stop come also while the source is silent")
    func interruptsWaiting() {
        let waiting = PipelineMachine.State.waiting("a", .streaming(.open))
        expect(
            [
                (.recordingBegan, .waiting("a", .recording(.open)), []),
                (.recordingEnded, waiting, []),
                (.boardWithheld(.recordingStarts), .withheld(.recordingStarts), [.closeGate, .report]),
            ], from: waiting)
        expect([(.boardFailed(Self.absent), .closed(Self.absent), [.closeGate, .report])], from: waiting)
        expect([(.boardFailed(Self.end), .draining(Self.end), [.endOutput, .report])], from: waiting)
        expect([(.stopped, .stopped, [])], from: waiting)
    }

    @Test("a stop leaves the gate as it is, for clients that are served their last bytes")
    func stops() {
        expect([(.stopped, .stopped, [])], from: .streaming(.open))
        expect([(.stopped, .stopped, [])], from: .closed(Self.absent))
    }

    @Test(
        "an illegal event traps and names the state that it met",
        .timeLimit(.minutes(1)))
    func trapsAndNamesTheState() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            var machine = PipelineMachine(.streaming(.learning))
            _ = machine.handle(.windowJudged(.healthy, isServed: true))
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("windowJudged"))
        #expect(text.contains("streaming"))
        #expect(text.contains("learning"))
    }

    @Test("so does any event after the stop")
    func trapsAfterStop() async {
        await #expect(processExitsWith: .failure) {
            var machine = PipelineMachine(.stopped)
            _ = machine.handle(.boardOpened)
        }
        await #expect(processExitsWith: .failure) {
            var machine = PipelineMachine(.withheld(.sweeping))
            _ = machine.handle(.recordingBegan)
        }
    }
}
