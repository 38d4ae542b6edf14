// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import TestSupport

/// A promise of `ArrayBoard`, with the check that holds a board to it.
package struct ArrayClause: Sendable, CustomStringConvertible {
    package let name: String
    private let body: @Sendable (any ArrayBench) throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (any ArrayBench) throws -> Void) {
        self.name = name
        self.body = body
    }

    package var description: String { name }

    /// - Returns: how the board breaks the promise; nil when it keeps it.
    package func violation(on bench: any ArrayBench) -> String? {
        do { try body(bench) } catch { return "\(error)" }
        return nil
    }

    package static let all = exactClauses + asideClauses + statisticalClauses
}

/// A broken promise, in words.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

func require(_ holds: Bool, _ text: @autoclosure () -> String) throws {
    if !holds { throw Violation(description: text()) }
}

extension ArrayRig {
    var words: Int { description.wordsPerShot }
    var noLane: [UInt64] { Array(repeating: 0, count: words) }
    var everyLane: [UInt64] { Array(repeating: ~0, count: words) }

    func expectStates(_ expected: [UInt64], in lanes: [UInt64]? = nil, _ what: String) throws {
        let found = try board.readStates()
        let lanes = lanes ?? everyLane
        let wrong = found.indices.reduce(0) {
            $0 + ((found[$1] ^ expected[$1]) & lanes[$1]).nonzeroBitCount
        }
        try require(found.count == words && wrong == 0, "\(what): \(wrong) lanes differ")
    }
}

// MARK: Promises that hold exactly, for an array without read errors

let exactClauses: [ArrayClause] = [
    ArrayClause("the description has the array operations") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 1))
        try require(rig.description.hasArrayOperations, "it does not")
    },
    ArrayClause("states are read as they were written, on arrays of any size") { bench in
        var generator = SeededGenerator(2)
        // A frame of 3,776 lanes fills a packet.
        for lanes in [64, 576, 3776, 4096] {
            var settings = ArraySettings(seed: 2)
            settings.lanes = lanes
            let rig = try bench.makeRig(settings)
            for states in [rig.noLane, rig.everyLane]
                + (0..<8).map({ _ in generator.words(rig.words) })
            {
                try rig.board.writeStates(states)
                try rig.expectStates(states, "\(lanes) lanes")
            }
        }
    },
    ArrayClause("a read changes no state") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 3))
        try rig.board.pulse(count: 5)
        let first = try rig.board.readStates()
        for _ in 0..<4 { try rig.expectStates(first, "a later read") }
    },
    ArrayClause("no pulses change no state") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 4))
        var generator = SeededGenerator(4)
        let states = generator.words(rig.words)
        try rig.board.writeStates(states)
        for _ in 0..<4 { try rig.board.pulse(count: 0) }
        try rig.expectStates(states, "after no pulses")
    },
    ArrayClause("as many pulses as are allowed are applied in a call") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 5))
        try rig.board.writeStates(rig.noLane)
        try rig.board.pulse(count: ArrayOperation.pulseLimit)
        let ones = try rig.board.readStates().reduce(0) { $0 + $1.nonzeroBitCount }
        try require(ones > 16, "\(ones) devices have switched")
    },
    ArrayClause("masked devices are neither written nor pulsed, and read as 0") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 6))
        var generator = SeededGenerator(6)
        let (first, second) = (generator.words(rig.words), generator.words(rig.words))
        let mask = generator.words(rig.words)
        let others = mask.map { ~$0 }
        try rig.board.writeStates(first)
        try rig.board.setLaneMask(mask)
        try rig.board.writeStates(second)
        try rig.expectStates(zip(second, others).map { $0 & $1 }, "with a mask")
        try rig.board.pulse(count: 9)
        try rig.expectStates(rig.noLane, in: mask, "masked lanes after pulses")
        try rig.board.setLaneMask(rig.noLane)
        try rig.expectStates(first, in: mask, "masked lanes without the mask")
    },
    ArrayClause("with every device masked nothing changes") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 7))
        var generator = SeededGenerator(7)
        let states = generator.words(rig.words)
        try rig.board.writeStates(states)
        try rig.board.setLaneMask(rig.everyLane)
        try rig.board.pulse(count: 100)
        try rig.board.writeStates(generator.words(rig.words))
        try rig.board.setLaneMask(rig.noLane)
        try rig.expectStates(states, "without the mask")
    },
    ArrayClause("the mask holds in the stream, which begins anew, and until the next open") {
        bench in
        let rig = try bench.makeRig(ArraySettings(seed: 8))
        let mask = [0x00FF] + Array(rig.everyLane.dropFirst())
        try rig.board.writeStates(rig.everyLane)
        for _ in 0..<2 {
            try rig.board.setLaneMask(mask)
            try rig.board.pulse(count: 3)
            try rig.checkFirstFrame(mask: mask)
            try rig.board.setLaneMask(rig.noLane)
            try rig.expectStates(rig.everyLane, in: mask, "masked lanes after a stream")
        }
        try rig.board.setLaneMask(mask)
        rig.board.close()
        _ = try rig.board.open()
        try rig.board.writeStates(rig.everyLane)
        try rig.expectStates(rig.everyLane, "after a new open")
    },
    ArrayClause("every call throws absent once the board is gone") { bench in
        let rig = try bench.makeRig(ArraySettings(seed: 9))
        rig.remove()
        let calls: [(String, () throws(BoardError) -> Void)] = [
            ("setLaneMask", { () throws(BoardError) in try rig.board.setLaneMask(rig.noLane) }),
            ("writeStates", { () throws(BoardError) in try rig.board.writeStates(rig.noLane) }),
            ("pulse", { () throws(BoardError) in try rig.board.pulse(count: 1) }),
            ("readStates", { () throws(BoardError) in _ = try rig.board.readStates() }),
        ]
        for (name, call) in calls {
            let outcome = Result(catching: call)
            guard case .failure(.absent) = outcome else {
                throw Violation(description: "\(name): \(outcome)")
            }
        }
    },
]

extension ArrayRig {
    /// Starts the stream, reads a frame, and stops the stream.
    func checkFirstFrame(mask: [UInt64]) throws {
        try board.start()
        defer { board.stop() }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: FrameReader.bufferCount(maximumPayload: description.maximumPayload),
            alignment: 8)
        defer { buffer.deallocate() }
        var reader = FrameReader(buffer: buffer, board: description)
        while true {
            switch reader.next() {
            case .frame(let frame):
                let header = frame.header
                try require(
                    header.sequence == 0 && header.firstShot == 0, "the stream does not begin anew")
                try require(
                    Int(header.lanesMasked) == mask.reduce(0) { $0 + $1.nonzeroBitCount },
                    "\(header.lanesMasked) lanes are masked in a frame")
                let rows = frame.payload.bindMemory(to: UInt64.self)
                try require(
                    rows.indices.allSatisfy { rows[$0] & mask[$0 % words] == 0 },
                    "masked lanes have ones in the stream")
                try require(rows.contains { $0 != 0 }, "every lane is 0 in the stream")
                return
            case nil:
                let count = try board.read(into: reader.freeSpace(), milliseconds: 1000)
                try require(count > 0, "no frame comes")
                reader.append(count)
            case let other?: throw Violation(description: "no frame, but \(other)")
            }
        }
    }
}
