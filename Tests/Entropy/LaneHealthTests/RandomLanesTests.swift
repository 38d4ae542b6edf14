// SPDX-License-Identifier: Apache-2.0

import CEntropyKernels
import LaneHealth
import LaneHealthReference
import TestMaterials
import TestSupport
import Testing

@Suite(
    "Random lanes: every alarm on boards of 64 to 4,096 lanes equals the reference; off-by-one errors are noticed"
)
struct RandomLanesTests {
    struct Board: Sendable {
        let lanes: Int
        let windows: Int
    }

    /// Rows of one word, of a few, of a whole strip, of a strip and a word, and the largest.
    private static let boards = [
        Board(lanes: 64, windows: 60), Board(lanes: 128, windows: 40),
        Board(lanes: 512, windows: 13), Board(lanes: 576, windows: 13),
        Board(lanes: 4096, windows: 3),
    ]

    /// Lanes from ideal to hopeless: biased either way, sticky, alternating, stuck.
    private static func lanes(_ count: Int) -> [LaneStream.Chain] {
        (0..<count).map { lane in
            let part = Double(lane * 37 % 64) / 64
            return switch lane % 8 {
            case 0: .ideal
            case 1: .biased(0.5 + part / 2)
            case 2: .biased(0.5 - part / 2)
            case 3: .slow(0.01 + 0.3 * part)
            case 4: LaneStream.Chain(p01: 0.02 + part / 4, p10: 0.3)
            case 5: LaneStream.Chain(p01: 0.3, p10: 0.02 + part / 4)
            case 6: .slow(1 - part / 2)
            default: part < 0.2 ? .stuck : .biased(0.6 + part / 5)
            }
        }
    }

    @Test(
        "biased and sticky lanes are judged as by the reference, on every path", .thorough,
        arguments: boards, [1.0, 0.8, 0.3, 0.1])
    func equalsReference(board: Board, claim: Double) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: claim)
        var sideBySide = SideBySide(lanes: board.lanes, cutoffs: cutoffs)
        var stream = LaneStream(Self.lanes(board.lanes), seed: UInt64(board.lanes))
        for window in 0..<max(board.windows / thinning, 2) {
            let rows = stream.rows(HealthCutoffs.windowShots)
            #expect(sideBySide.pathsThatDiffer(over: rows) == [], "window \(window)")
        }
        #expect(sideBySide.totals.isVaried, "the lanes exercise every test")
    }

    @Test(
        "the comparison notices a reference that is off by one in any cut-off", .thorough,
        arguments: 0..<4)
    func control(which: Int) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
        var planted = ReferenceCutoffs(cutoffs)
        switch which {
        case 0: planted.repetitionCountWarning += 1
        case 1: planted.repetitionCountFailure += 1
        case 2: planted.adaptiveProportionWarning += 1
        default: planted.adaptiveProportionFailure += 1
        }
        var sideBySide = SideBySide(lanes: 512, cutoffs: cutoffs, reference: planted)
        var stream = LaneStream(Self.lanes(512), seed: 512)
        let differing = (0..<13).count { _ in
            let rows = stream.rows(HealthCutoffs.windowShots)
            return !sideBySide.pathsThatDiffer(over: rows).isEmpty
        }
        #expect(differing > 0)
    }
}

@Suite(
    "Filling a window: streams in pieces, wiping")
struct WindowFillingTests {
    @Test(
        "a stream cut into pieces of any size is judged as the whole one",
        arguments: [64, 576, 1024]
    )
    func pieces(lanes: Int) {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
        let chains = (0..<lanes).map { LaneStream.Chain.slow(0.05 + Double($0) / 5000) }
        var stream = LaneStream(chains, seed: 4)
        let windows = (0..<7).map { _ in stream.rows(HealthCutoffs.windowShots) }
        let whole = OwnedWindow(lanes: lanes, cutoffs: cutoffs)
        let expected = windows.map { whole.findings(in: $0) }
        let row = lanes / 8
        let offers = [
            [row], [row + 3, 7 * row, 333 * row + 5], [16 * row, 127 * row + 1],
            [1023 * row], [1025 * row], [3 * 1024 * row + 1],
        ]
        let rows = windows.flatMap { $0 }
        for offer in offers {
            let owned = OwnedWindow(lanes: lanes, cutoffs: cutoffs)
            #expect(owned.findings(in: rows, offering: offer) == expected, "\(offer)")
        }
        #expect(Set(expected.map { $0[.repetitionCount].failure }).count > 1, "the windows differ")
    }

    @Test("a window takes whole rows only, and none once it is full")
    func takesRows() {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
        let owned = OwnedWindow(lanes: 128, cutoffs: cutoffs)
        let bytes = [UInt8](repeating: 0x5a, count: 1025 * 16)
        bytes.withUnsafeBytes { bytes in
            let append = { owned.window.append(UnsafeRawBufferPointer(rebasing: bytes[..<$0])) }
            #expect(append(0) == 0)
            #expect(append(15) == 0)
            #expect(append(31) == 16)
            #expect(owned.window.shots == 1 && !owned.window.isFull)
            #expect(append(1025 * 16) == 1023 * 16)
            #expect(owned.window.isFull)
            #expect(append(16) == 0)
        }
    }

    @Test("a run is counted on from the window before")
    func runAcrossWindows() {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
        let owned = OwnedWindow(lanes: 64, cutoffs: cutoffs)
        // All lanes end in a run that is one sample short of a warning, and go on with one more.
        let short = cutoffs.repetitionCountWarning - 1
        let alternating = (0..<1024).map { $0 % 2 == 0 ? UInt64.min : .max }
        let ending = alternating.dropLast(short) + Array(repeating: UInt64.max, count: short)
        let beginning = [UInt64.max] + alternating.dropLast()
        #expect(owned.findings(in: Array(ending))[.repetitionCount].warning == [0])
        #expect(owned.findings(in: beginning)[.repetitionCount].warning == [.max])
    }

    @Test("when a window is done its samples are wiped, but for the last ones, which runs need")
    func wiping() {
        let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
        let owned = OwnedWindow(lanes: 512, cutoffs: cutoffs)
        // Stuck lanes leave nothing but ones in the scratch memory, too.
        _ = owned.findings(in: Array(repeating: .max, count: 1024 * 8))
        // The history, the counts, and two masks.
        let history = 64
        let kept = history + 4 * Int(CK_COUNT_PLANES) + 2
        #expect(owned.nonzeroWords <= kept * 8)
        #expect(owned.nonzeroWords >= history * 8)
    }
}
