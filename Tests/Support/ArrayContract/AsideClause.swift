// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import SimulatedBoard
import TestSupport

// Promises of `AsideBoard` that hold exactly, for an array without read errors.

extension ArrayRig {
    /// The board, as one that can set lanes aside.
    var aside: any AsideBoard {
        get throws {
            guard let aside = board as? any AsideBoard else {
                throw Violation(description: "the board is no AsideBoard")
            }
            return aside
        }
    }

    func expectAside(_ expected: [UInt64], in lanes: [UInt64]? = nil, _ what: String) throws {
        let found = try aside.readAside()
        let lanes = lanes ?? everyLane
        let wrong = found.indices.reduce(0) {
            $0 + ((found[$1] ^ expected[$1]) & lanes[$1]).nonzeroBitCount
        }
        try require(found.count == words && wrong == 0, "\(what): \(wrong) lanes aside differ")
    }
}

/// The bits of the first in the lanes of the second.
func and(_ states: [UInt64], _ lanes: [UInt64]) -> [UInt64] { zip(states, lanes).map { $0 & $1 } }

func inverse(_ lanes: [UInt64]) -> [UInt64] { lanes.map { ~$0 } }

let asideClauses: [ArrayClause] = [
    ArrayClause("the description says that lanes can be set aside") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 30))
        try require(rig.description.canSetLanesAside, "it does not")
        _ = try rig.aside
    },
    ArrayClause("a lane keeps its state when it is set aside and when it comes back") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 31))
        var generator = SeededGenerator(31)
        let states = generator.words(rig.words)
        try rig.board.writeStates(states)
        for _ in 0..<8 {
            let lanes = generator.words(rig.words)
            try rig.aside.setLanesAside(lanes)
            try rig.expectAside(and(states, lanes), "set aside")
            try rig.expectStates(and(states, inverse(lanes)), "those not aside")
        }
        try rig.aside.setLanesAside(rig.noLane)
        try rig.expectStates(states, "all come back")
        try rig.expectAside(rig.noLane, "none aside")
    },
    ArrayClause("lanes aside are read as they were written, on arrays of any size") { bench in
        var generator = SeededGenerator(32)
        for lanes in [64, 576, 4096] {
            var settings = ArraySettings(seed: 32)
            settings.lanes = lanes
            let rig = try bench.makeRig(settings)
            for aside in [rig.everyLane, generator.words(rig.words), rig.noLane] {
                try rig.aside.setLanesAside(aside)
                for _ in 0..<3 {
                    let states = generator.words(rig.words)
                    try rig.aside.writeAside(states)
                    try rig.expectAside(and(states, aside), "\(lanes) lanes")
                }
            }
        }
    },
    ArrayClause("a read of lanes aside, and no pulses, change no state") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 33))
        try rig.aside.setLanesAside(rig.everyLane)
        try rig.aside.pulseAside(count: 5)
        let first = try rig.aside.readAside()
        for _ in 0..<4 {
            try rig.aside.pulseAside(count: 0)
            try rig.expectAside(first, "a later read")
        }
    },
    ArrayClause("as many pulses as are allowed are applied to lanes aside in a call") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 34))
        try rig.aside.setLanesAside(rig.everyLane)
        try rig.aside.writeAside(rig.noLane)
        try rig.aside.pulseAside(count: ArrayOperation.pulseLimit)
        let ones = try rig.aside.readAside().reduce(0) { $0 + $1.nonzeroBitCount }
        try require(ones > 16, "\(ones) devices have switched")
    },
    ArrayClause("operations on lanes aside and on the others leave each other alone") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 35))
        var generator = SeededGenerator(35)
        let (first, second) = (generator.words(rig.words), generator.words(rig.words))
        let aside = generator.words(rig.words)
        try rig.aside.setLanesAside(aside)
        try rig.board.writeStates(first)
        try rig.aside.writeAside(second)
        try rig.aside.pulseAside(count: 9)
        try rig.expectStates(and(first, inverse(aside)), "others, after pulses of lanes aside")
        try rig.aside.writeAside(second)
        try rig.board.pulse(count: 9)
        try rig.expectAside(and(second, aside), "lanes aside, after pulses of others")
        try rig.board.setLaneMask(rig.everyLane)
        try rig.aside.writeAside(first)
        try rig.expectAside(and(first, aside), "lanes aside that the stream's mask has")
    },
    ArrayClause("masked lanes aside are neither written nor pulsed, and read as they are") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 36))
        var generator = SeededGenerator(36)
        let (first, second) = (generator.words(rig.words), generator.words(rig.words))
        let (aside, mask) = (generator.words(rig.words), generator.words(rig.words))
        try rig.aside.setLanesAside(aside)
        try rig.aside.writeAside(first)
        try rig.aside.setAsideMask(mask)
        try rig.aside.writeAside(second)
        try rig.expectAside(and(first, aside), in: mask, "masked lanes after a write")
        try rig.expectAside(and(second, aside), in: inverse(mask), "other lanes after a write")
        for _ in 0..<4 { try rig.aside.pulseAside(count: 25) }
        try rig.expectAside(and(first, aside), in: mask, "masked lanes after pulses")
        let after = try rig.aside.readAside()
        try require(
            and(after, inverse(mask)) != and(and(second, aside), inverse(mask)),
            "lanes that are not masked are not pulsed")
        try rig.aside.setAsideMask(rig.noLane)
        try rig.aside.writeAside(second)
        try rig.expectAside(and(second, aside), "without the mask")
    },
    ArrayClause("the stream goes on without lanes aside, and neither disturbs the other") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 37))
        var generator = SeededGenerator(37)
        let (aside, states) = (generator.words(rig.words), generator.words(rig.words))
        let mask = [0x00FF] + Array(rig.noLane.dropFirst())
        try rig.board.setLaneMask(mask)
        let stream = try RigStream(rig)
        try stream.expect(hidden: mask, "before")
        try rig.aside.setLanesAside(aside)
        try stream.expect(hidden: zip(aside, mask).map { $0 | $1 }, "with lanes aside")
        try rig.aside.writeAside(states)
        for _ in 0..<4 {
            try stream.readFrames(4)
            try rig.expectAside(and(states, aside), "written while it streams")
        }
        try rig.aside.pulseAside(count: 9)
        let after = try rig.aside.readAside()
        try require(after != and(states, aside), "lanes aside are not pulsed while it streams")
        try stream.readFrames(4)
        try rig.expectAside(after, "read again while it streams")
        try rig.aside.setLanesAside(rig.noLane)
        try stream.expect(hidden: mask, "after all have come back")
    },
    ArrayClause("start and stop change nothing about lanes aside") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 38))
        var generator = SeededGenerator(38)
        let (aside, states) = (generator.words(rig.words), generator.words(rig.words))
        try rig.aside.setLanesAside(aside)
        try rig.aside.setAsideMask(rig.everyLane)
        for _ in 0..<2 {
            let before = try rig.aside.readAside()
            try rig.checkFirstFrame(mask: aside)
            try rig.aside.writeAside(states)
            try rig.aside.pulseAside(count: 9)
            try rig.expectAside(before, "masked lanes after a start and a stop")
        }
    },
    ArrayClause("open sets no lane aside, the trims to 0, no mask, and the point of the stream") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 39))
        let trim = rig.description.tuning.map { $0.trim.upperBound } ?? 0
        var point = rig.description.operatingPoint
        point.amplitudeMillivolts = rig.description.tuning?.amplitudeMillivolts.lowerBound ?? 0
        try rig.aside.setLanesAside(rig.everyLane)
        try rig.aside.setAsideMask(rig.everyLane)
        try rig.aside.setAsideTrims(Array(repeating: trim, count: rig.description.lanes))
        try rig.aside.setAsidePoint(point)
        rig.board.close()
        _ = try rig.board.open()
        try rig.board.writeStates(rig.everyLane)
        try rig.expectStates(rig.everyLane, "after a new open")
        try rig.checkAsideSwitching(try ArraySettings(seed: 39).makeTwin().chains, seed: 39)
    },
    ArrayClause("every call for lanes aside throws absent once the board is gone") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 40))
        let aside = try rig.aside
        rig.remove()
        let trims = [Int16](repeating: 0, count: rig.description.lanes)
        let calls: [(String, () throws(BoardError) -> Void)] = [
            ("setLanesAside", { () throws(BoardError) in try aside.setLanesAside(rig.noLane) }),
            (
                "setAsidePoint",
                { () throws(BoardError) in try aside.setAsidePoint(rig.description.operatingPoint) }
            ),
            ("setAsideTrims", { () throws(BoardError) in try aside.setAsideTrims(trims) }),
            ("setAsideMask", { () throws(BoardError) in try aside.setAsideMask(rig.noLane) }),
            ("writeAside", { () throws(BoardError) in try aside.writeAside(rig.noLane) }),
            ("pulseAside", { () throws(BoardError) in try aside.pulseAside(count: 1) }),
            ("readAside", { () throws(BoardError) in _ = try aside.readAside() }),
        ]
        for (name, call) in calls {
            let outcome = Result(catching: call)
            guard case .failure(.absent) = outcome else {
                throw Violation(description: "\(name): \(outcome)")
            }
        }
    },
]
