// SPDX-License-Identifier: Apache-2.0

import LaneHealth
import LaneHealthReference
import TestMaterials
import TestSupport

/// The bit-sliced tests of SP 800-90B on every path with the reference beside them, over one stream of windows.
struct SideBySide {
    /// Over all windows, how many lanes each mask showed.
    struct Totals: Equatable {
        var lanes = 0
        var repetitionCountWarning = 0
        var repetitionCountFailure = 0
        var adaptiveProportionWarning = 0
        var adaptiveProportionFailure = 0

        /// Whether each test tripped at each cut-off for some lanes, and did not for others.
        var isVaried: Bool {
            [
                repetitionCountWarning, repetitionCountFailure, adaptiveProportionWarning,
                adaptiveProportionFailure,
            ].allSatisfy { (1..<lanes).contains($0) }
        }
    }

    private let lanes: Int
    private let paths: [(path: KernelPath, owned: OwnedWindow)]
    private var reference: BoardReference
    private(set) var totals = Totals()

    /// - Parameter reference: what the reference uses; the claim's cut-offs unless told otherwise.
    init(lanes: Int, cutoffs: HealthCutoffs, reference: ReferenceCutoffs? = nil) {
        self.lanes = lanes
        self.reference = BoardReference(
            lanes: lanes, cutoffs: reference ?? ReferenceCutoffs(cutoffs))
        paths = KernelPath.strips.map {
            ($0, OwnedWindow(lanes: lanes, cutoffs: cutoffs, features: $0.features))
        }
    }

    /// Tests the next window on every path.
    ///
    /// - Returns: the paths that found something else than the reference.
    mutating func pathsThatDiffer(over rows: [UInt64]) -> [String] {
        let expected = reference.test(rows)
        count(expected)
        return paths.filter { path in
            path.owned.findings(in: rows).differ(from: expected)
        }.map(\.path.description)
    }

    private mutating func count(_ findings: WindowFindings) {
        let lanesIn = { (mask: [UInt64]) in mask.reduce(0) { $0 + $1.nonzeroBitCount } }
        totals.lanes += lanes
        totals.repetitionCountWarning += lanesIn(findings[.repetitionCount].warning)
        totals.repetitionCountFailure += lanesIn(findings[.repetitionCount].failure)
        totals.adaptiveProportionWarning += lanesIn(findings[.adaptiveProportion].warning)
        totals.adaptiveProportionFailure += lanesIn(findings[.adaptiveProportion].failure)
    }
}

extension WindowFindings {
    /// Whether the tests of SP 800-90B found something else than those of the reference.
    func differ(from reference: WindowFindings) -> Bool {
        [HealthTest.repetitionCount, .adaptiveProportion].contains { self[$0] != reference[$0] }
    }
}

/// Unoptimised code, as with sanitizers, is some fifty times slower: there only every 13th case of
/// the longest sweeps is taken, a number without a factor in common with words and windows.
#if DEBUG
    let thinning = 13
#else
    let thinning = 1
#endif
