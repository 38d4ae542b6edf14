// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
import EntropyTerms
package import LinuxPlatform
import Synchronization

/// A board over made-up devices that can be tuned and made to fail. It keeps every frame it has sent, notes
/// every call, and does what a test has put down for a certain shot, on the pipeline's thread.
///
/// The bits are the same in every run as long as the calls are.
package final class ModelBoard: TunableBoard, FaultyBoard {
    package enum Call: Sendable, Equatable {
        case open, start, stop, close, telemetry, clearFaults
        case point(OperatingPoint)
        case trims([Int16])
        case inject(FaultOrder)
    }

    /// A call that can be made to fail.
    package enum Failing: Sendable, Equatable { case open, start, read, point }

    /// What was sent between a start and the stop after it.
    package struct Stretch: Sendable {
        package let point: OperatingPoint
        /// Header and payload of each frame.
        package var frames: [[UInt8]] = []
        /// The rows of all frames, one after another.
        package var rows: [UInt64] = []
    }

    /// What is to happen before a shot of a start is sent.
    private struct Plan: Sendable {
        let start: Int
        let shot: UInt64
        let action: @Sendable (ModelBoard) -> Void
    }

    private enum Phase: Sendable { case closed, open, streaming, stopped }

    private struct State: Sendable {
        var devices: ModelDevices
        var point = ModelBoard.startingPoint
        var trims: [Int16]
        var phase = Phase.closed
        var calls: [Call] = []
        var violations: [String] = []
        var stretches: [Stretch] = []
        var frames: FrameMaker
        var generator = TestGenerator(seed: 20)
        var plans: [Plan] = []
        var limit = UInt64.max
        var failure: (call: Failing, error: BoardError)?
        var isAbsent = false
        var isIdle = false
        var onClose: (@Sendable () -> Void)?
    }

    package static let startingPoint = OperatingPoint(
        amplitudeMillivolts: 900, pulseWidthPicoseconds: ModelDevices.middle,
        biasFieldMicrotesla: 0)
    package static let trimLimits: ClosedRange<Int16> = -512...512

    package let description: BoardDescription
    private let shotsPerFrame: Int
    private let framesPerRead: Int
    private let state: Mutex<State>
    private let changed: Wakeup

    /// - Parameters:
    ///   - isTunable: whether the board says that it can be tuned.
    ///   - framesPerRead: 1 or 2.
    package init(
        _ devices: ModelDevices, isTunable: Bool = true, shotsPerFrame: Int = 256,
        framesPerRead: Int = 1
    ) throws(SystemError) {
        self.shotsPerFrame = shotsPerFrame
        self.framesPerRead = framesPerRead
        let lanes = devices.base.count
        description = BoardDescription(
            kind: "model", provenance: .simulated, serial: "M-1", path: "test", firmware: "1.0",
            lanes: lanes, encoding: .toggles, operatingPoint: Self.startingPoint,
            maximumPayload: shotsPerFrame * lanes / 8, shotsPerSecond: 1e6,
            tuning: isTunable
                ? Tuning(
                    amplitudeMillivolts: 0...1200, pulseWidthPicoseconds: 100...900,
                    biasFieldMicrotesla: -1000...1000, trim: Self.trimLimits,
                    trimLatencyShots: 2 * shotsPerFrame) : nil)
        state = Mutex(
            State(
                devices: devices, trims: [Int16](repeating: 0, count: lanes),
                frames: FrameMaker(description)))
        changed = try Wakeup()
    }

    // MARK: The test's side

    /// Lets `action` be done, on the pipeline's thread, before a shot is sent; starts count from 0.
    package func before(
        shot: UInt64, ofStart start: Int = 0, _ action: @escaping @Sendable (ModelBoard) -> Void
    ) {
        state.withLock { $0.plans.append(Plan(start: start, shot: shot, action: action)) }
    }

    /// Lets `action` be done, on the pipeline's thread, when the board is closed next.
    package func beforeClose(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.onClose = action }
    }

    /// From now on, sends at most this many shots after each start, and then waits.
    package func limit(shots: Int) {
        state.withLock { state in
            state.limit = UInt64(shots)
            state.isIdle = false
        }
        changed.signal()
    }

    /// Lets the next call of a kind throw this.
    package func fail(_ call: Failing, _ error: BoardError) {
        state.withLock { $0.failure = (call, error) }
    }

    /// Changes the devices.
    package func change(_ body: @Sendable (inout ModelDevices) -> Void) {
        state.withLock { body(&$0.devices) }
    }

    package var calls: [Call] { state.withLock { $0.calls } }
    package var violations: [String] { state.withLock { $0.violations } }
    package var stretches: [Stretch] { state.withLock { $0.stretches } }
    package var point: OperatingPoint { state.withLock { $0.point } }
    package var trims: [Int16] { state.withLock { $0.trims } }

    /// The probability of a one of each lane now.
    package var probabilities: [Double] {
        state.withLock { $0.devices.probabilities(at: $0.point, trims: $0.trims) }
    }

    /// Whether the limit was reached, and the reader has come back for more.
    package var isIdle: Bool { state.withLock { $0.isIdle } }

    // MARK: The pipeline's side

    package func open() throws(BoardError) -> BoardDescription {
        try enter(.open, from: [.closed], to: .open, failing: .open) { state in
            state.trims = [Int16](repeating: 0, count: state.trims.count)
        }
        var described = description
        described.operatingPoint = point
        return described
    }

    package func start() throws(BoardError) {
        let description = description
        try enter(.start, from: [.open, .stopped], to: .streaming, failing: .start) { state in
            state.stretches.append(Stretch(point: state.point))
            state.frames = FrameMaker(description)
            state.isIdle = false
        }
    }

    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        let due = state.withLock { state in
            let (start, shot) = (state.stretches.count - 1, state.frames.nextShot)
            let isDue = { (plan: Plan) in plan.start == start && plan.shot <= shot }
            defer { state.plans.removeAll(where: isDue) }
            return state.plans.filter(isDue)
        }
        for plan in due { plan.action(self) }
        if let count = try makeFrames(buffer) { return count }
        // Woken by a test that raises the limit, or by `interrupt`.
        changed.wait()
        return try makeFrames(buffer) ?? 0
    }

    package func stop() { try? enter(.stop, from: [.streaming], to: .stopped) }

    package func close() {
        state.withLock { $0.onClose.take() }?()
        try? enter(.close, from: [.open, .stopped], to: .closed)
    }

    package func interrupt() { changed.signal() }

    package func setOperatingPoint(_ point: OperatingPoint) throws(BoardError) {
        try enter(.point(point), from: [.open, .stopped], failing: .point) { $0.point = point }
    }

    package func setTrims(_ trims: [Int16]) throws(BoardError) {
        try enter(.trims(trims), from: [.open, .streaming, .stopped]) { state in
            if trims.count != state.trims.count || !trims.allSatisfy(Self.trimLimits.contains) {
                state.violations.append("trims out of their limits")
            }
            state.trims = trims
        }
    }

    package func telemetry() throws(BoardError) -> BoardTelemetry {
        try enter(.telemetry, from: [.open, .streaming, .stopped])
        return BoardTelemetry(
            temperatureCelsius: 25, resistanceOhms: state.withLock { $0.devices.ohms })
    }

    package func inject(_ order: FaultOrder) -> Bool {
        state.withLock { state in
            state.calls.append(.inject(order))
            switch order.fault {
            case .stuckAt1: state.devices.stuck.formUnion(order.lanes)
            case .vanish: state.isAbsent = true
            default: break
            }
        }
        return true
    }

    package func clearFaults() {
        state.withLock { state in
            state.calls.append(.clearFaults)
            state.devices.stuck = []
            state.isAbsent = false
        }
    }

    private func enter(
        _ call: Call, from allowed: [Phase], to next: Phase? = nil, failing: Failing? = nil,
        _ body: (inout State) -> Void = { _ in }
    ) throws(BoardError) {
        let failure: BoardError? = state.withLock { state in
            state.calls.append(call)
            if !allowed.contains(state.phase) { state.violations.append("\(call): \(state.phase)") }
            if let failing, let failure = Self.takeFailure(failing, &state) { return failure }
            body(&state)
            if let next { state.phase = next }
            return nil
        }
        if let failure { throw failure }
    }

    private static func takeFailure(_ call: Failing, _ state: inout State) -> BoardError? {
        if state.isAbsent { return .absent("vanished") }
        guard state.failure?.call == call else { return nil }
        return state.failure.take()?.error
    }

    /// - Returns: nil when the limit is reached.
    private func makeFrames(_ buffer: UnsafeMutableRawBufferPointer) throws(BoardError) -> Int? {
        let result: Result<Int?, BoardError> = state.withLock { state in
            if state.phase != .streaming { state.violations.append("read: \(state.phase)") }
            if let failure = Self.takeFailure(.read, &state) { return .failure(failure) }
            guard state.frames.nextShot < state.limit else {
                state.isIdle = true
                return .success(nil)
            }
            var rest = buffer[...]
            let room = buffer.count / (FrameHeader.byteCount + description.maximumPayload)
            for _ in 0..<min(framesPerRead, room) where state.frames.nextShot < state.limit {
                let frame = makeFrame(&state)
                UnsafeMutableRawBufferPointer(rebasing: rest).copyBytes(from: frame)
                rest = rest.dropFirst(frame.count)
            }
            return .success(buffer.count - rest.count)
        }
        return try result.get()
    }

    private func makeFrame(_ state: inout State) -> [UInt8] {
        let count = Int(min(UInt64(shotsPerFrame), state.limit - state.frames.nextShot))
        let rows = state.devices.shots(
            count, at: state.point, trims: state.trims, using: &state.generator)
        let frame = state.frames.frame(rows)
        state.stretches[state.stretches.count - 1].frames.append(frame)
        state.stretches[state.stretches.count - 1].rows += rows
        return frame
    }
}
