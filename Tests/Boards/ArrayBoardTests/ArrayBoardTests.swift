// SPDX-License-Identifier: Apache-2.0

import ArrayContract
import BoardInterface
import BoardProtocol
import SimulatedBoard
import TestSupport
import Testing

/// Reaches the simulated board directly, or a broken one.
private struct SimulatedBench: ArrayBench {
    var fault: ArrayBreak?
    var asideFault: AsideBreak?

    func makeRig(_ settings: ArraySettings) throws -> ArrayRig {
        let model = try settings.makeModel()
        let board: any ArrayBoard & TunableBoard =
            if let fault {
                BrokenArrayBoard(model, fault)
            } else if let asideFault {
                BrokenAsideBoard(model, asideFault)
            } else {
                model
            }
        return try ArrayRig(board) { _ = model.inject(FaultOrder(.vanish)) }
    }
}

@Suite("Array operations of boards")
struct ArrayBoardTests {
    @Test("The simulated board keeps the contract", arguments: ArrayClause.all)
    func simulated(clause: ArrayClause) {
        #expect(clause.violation(on: SimulatedBench()) == nil)
    }

    private static let written = "states are read as they were written, on arrays of any size"
    private static let masked = "masked devices are neither written nor pulsed, and read as 0"
    private static let trims = "pulses switch devices as their chains say, at any trims"

    @Test(
        "A board that breaks the contract is found by the clause meant for it",
        arguments: [
            (ArrayBreak.reversedWrites, written),
            (.lostPulses, trims),
            (.lostPulses, "as many pulses as are allowed are applied in a call"),
            (.onePulseTooMany, trims),
            (.pulsesForNone, "no pulses change no state"),
            (.unmaskedPulses, masked),
            (.unmaskedPulses, "with every device masked nothing changes"),
            (.unmaskedWrites, masked),
            (.invertedReads, written),
            (.pulsingReads, "a read changes no state"),
            (.perfectReads, "a read errs as often as the array does, each time anew"),
            (.ignoredTrims, trims),
            (
                .ignoredPoint,
                "pulses switch devices as their chains say, at another operating point"
            ),
            (
                .keptMask,
                "the mask holds in the stream, which begins anew, and until the next open"
            ),
            (.silentAbsence, "every call throws absent once the board is gone"),
        ])
    func broken(fault: ArrayBreak, name: String) throws {
        let clause = try #require(ArrayClause.all.first { $0.name == name })
        #expect(clause.violation(on: SimulatedBench(fault: fault)) != nil)
    }

    private static let kept = "a lane keeps its state when it is set aside and when it comes back"
    private static let asideWritten =
        "lanes aside are read as they were written, on arrays of any size"
    private static let asideMasked =
        "masked lanes aside are neither written nor pulsed, and read as they are"
    private static let apart =
        "operations on lanes aside and on the others leave each other alone"
    private static let asideTrims =
        "pulses switch lanes aside as their chains say, at trims of their own"
    private static let asidePoint =
        "pulses switch lanes aside as their chains say, at a point of their own"
    private static let beside =
        "the stream goes on without lanes aside, and neither disturbs the other"
    private static let opened =
        "open sets no lane aside, the trims to 0, no mask, and the point of the stream"

    @Test(
        "A board that breaks the contract for lanes aside is found by the clause meant for it",
        arguments: [
            (AsideBreak.forgottenStates, kept),
            (.reversedWrites, asideWritten),
            (.lostPulses, asideTrims),
            (.lostPulses, "as many pulses as are allowed are applied to lanes aside in a call"),
            (.onePulseTooMany, asideTrims),
            (.pulsesForNone, "a read of lanes aside, and no pulses, change no state"),
            (.pulsesForOthers, apart),
            (.pulsingReads, "a read of lanes aside, and no pulses, change no state"),
            (.invertedReads, asideWritten),
            (.perfectReads, "a read of lanes aside errs as often as the array does, each time anew"),
            (.ignoredMask, asideMasked),
            (.hidingMask, asideMasked),
            (.sharedMask, apart),
            (.ignoredTrims, asideTrims),
            (.sharedTrims, asideTrims),
            (.ignoredPoint, asidePoint),
            (.sharedPoint, asidePoint),
            (.keptStream, beside),
            (.restartedStream, beside),
            (.startClears, "start and stop change nothing about lanes aside"),
            (.keptAside, opened),
            (.keptPoint, opened),
            (.silentAbsence, "every call for lanes aside throws absent once the board is gone"),
        ])
    func brokenAside(fault: AsideBreak, name: String) throws {
        let clause = try #require(ArrayClause.all.first { $0.name == name })
        #expect(clause.violation(on: SimulatedBench(asideFault: fault)) != nil)
    }

    /// Runs the contract on `USBBoard`, over the emulated USB, in a process of its own.
    ///
    /// - Returns: the names of the clauses by whether they hold.
    private static func contractOnCable(_ fault: String...) throws -> [Bool: Set<String>] {
        let outcome = try run(
            "/usr/bin/umockdev-wrapper", ["\(buildDirectory)/array-contract"] + fault)
        #expect(outcome.status == 0, "\(outcome.errors)")
        var names: [Bool: Set<String>] = [:]
        for line in outcome.text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            let clause = ArrayClause.all.first { parts[1].hasPrefix($0.name) }
            names[parts[0] == "ok", default: []].insert(try #require(clause, "\(line)").name)
        }
        #expect(names.values.reduce(0) { $0 + $1.count } == ArrayClause.all.count)
        return names
    }

    @Test("A board on the USB keeps the contract")
    func cable() throws {
        #expect(try Self.contractOnCable()[false] == nil)
    }

    @Test(
        "A board on the USB that breaks the contract is found by the clauses meant for it",
        arguments: [
            ("lostWrites", written), ("lostPulses", trims), ("unmaskedPulses", masked),
            ("invertedReads", written), ("lostWrites", asideWritten), ("lostPulses", asideTrims),
            ("unmaskedPulses", asideMasked), ("invertedReads", asideWritten), ("lostLanes", beside),
            ("endedStream", beside),
        ])
    func brokenOnCable(fault: String, name: String) throws {
        #expect(try Self.contractOnCable(fault)[false]?.contains(name) == true)
    }

    @Test("A board of MEB/1.0 on the USB keeps the contract but for lanes aside")
    func oldOnCable() throws {
        let outcomes = try Self.contractOnCable("MEB/1.0")
        let isAside = { (name: String) in name.contains("aside") }
        #expect(outcomes[true]?.contains(where: isAside) == false)
        #expect(outcomes[false]?.allSatisfy { isAside($0) || $0 == Self.beside } == true)
    }

    @Test("A stuck device does not follow a write, and its neighbours do")
    func stuck() throws {
        let board = try ArraySettings(seed: 1).makeModel()
        _ = try board.open()
        #expect(board.inject(FaultOrder(.stuckAt1, lanes: [3, 64])))
        try board.writeStates([0, 0])
        #expect(try board.readStates() == [1 << 3, 1])
        board.clearFaults()
        #expect(try board.readStates() == [0, 0])
    }

    @Test("An operation while the stream runs traps")
    func streaming() async {
        await #expect(processExitsWith: .failure) {
            let board = try ArraySettings(seed: 1).makeModel()
            _ = try board.open()
            board.start()
            _ = try board.readStates()
        }
    }
}
