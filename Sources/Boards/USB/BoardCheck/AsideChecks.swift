// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import USBBoard

// Checks of lanes that are set aside.
extension BoardChecker {
    static let asideChecks: [Check] = [
        Check(name: "a board that sets lanes aside has what belongs to it", needs: .lanesAside) {
            (checker) throws(Finding) in
            try checker.require(
                checker.info.canSetLanesAside,
                "minor version \(checker.info.minorVersion), features \(checker.info.features.rawValue)")
        },
        Check(name: "lanes are set aside, counted, and told, until a reset", needs: .aside) {
            (checker) throws(Finding) in try checker.setAside()
        },
        Check(name: "lanes aside are written, pulsed, and read", needs: .aside) {
            (checker) throws(Finding) in try checker.operateAside()
        },
        Check(name: "a lane keeps its state when it is set aside and comes back", needs: .aside) {
            (checker) throws(Finding) in try checker.moveLanes()
        },
        Check(name: "operations on lanes aside and on the others do not mix", needs: .aside) {
            (checker) throws(Finding) in try checker.operateApart()
        },
        Check(name: "lanes aside have a point, trims and a mask of their own", needs: .aside) {
            (checker) throws(Finding) in
            try checker.setAsidePoints()
            try checker.setAsideTrims()
            try checker.setAsideMask()
        },
        Check(name: "impossible requests for lanes aside are refused", needs: .aside) {
            (checker) throws(Finding) in try checker.refuseAside()
        },
        Check(name: "lanes aside keep out of the stream, which goes on", needs: .aside) {
            (checker) throws(Finding) in try checker.streamBeside()
        },
        Check(name: "requests for lanes aside are refused in the link test", needs: .aside) {
            (checker) throws(Finding) in
            try checker.order(.selfTest)
            try checker.refuseInLinkTest()
        },
    ]

    var none: [UInt8] { Array(repeating: 0, count: info.lanes / 8) }
    private var every: [UInt8] { none.map { _ in 0xFF } }
    /// Half of the lanes.
    var half: [UInt8] { none.indices.map { $0 % 3 == 0 ? 0x0F : 0x5A } }

    private func setAside() throws(Finding) {
        try require(try lanesAside() == none, "after a reset, lanes are aside")
        try order(.lanesAside, half)
        for request in [BoardRequest.start, .stop] {
            try order(request)
            try require(
                try lanesAside() == half, "after \(request.text), other lanes are aside")
        }
        let count = half.reduce(0) { $0 + $1.nonzeroBitCount }
        let masked = Int(try status().lanesMasked)
        try require(masked == count, "the status says that \(masked) lanes are masked")
        try order(.reset)
        try require(try lanesAside() == none, "after a reset, lanes are aside")
        try require(try status().lanesMasked == 0, "after a reset, the status counts lanes")
    }

    private func operateAside() throws(Finding) {
        try order(.lanesAside, half)
        for wanted in [pattern, pattern.map { ~$0 }] {
            try writeAside(wanted)
            for _ in 0..<2 {
                let found = try readAside()
                try require(agree(found, wanted, in: half), "other states come back")
                try require(
                    zip(found, half).allSatisfy { $0 & ~$1 == 0 }, "lanes that are not aside are read")
            }
        }
        try order(.lanesAside, every)
        for _ in 0..<64 {
            try writeAside(none)
            try pulseAside(1)
            if !agree(try readAside(), none) { return }
        }
        throw Finding("at the point after power-up, hardly a device switches in 64 tries")
    }

    private func moveLanes() throws(Finding) {
        try writeArray(pattern)
        try order(.lanesAside, half)
        try require(agree(try readAside(), pattern, in: half), "lanes lose their states as they go")
        let others = half.map { ~$0 }
        let rest = try readArray()
        try require(agree(rest, pattern, in: others), "the others lose their states")
        try require(zip(rest, half).allSatisfy { $0 & $1 == 0 }, "READ gives lanes aside")
        try order(.lanesAside, none)
        try require(agree(try readArray(), pattern), "lanes lose their states as they come back")
    }

    private func operateApart() throws(Finding) {
        let others = half.map { ~$0 }
        try order(.lanesAside, half)
        try writeAside(pattern)
        try writeArray(pattern.map { ~$0 })
        try pulseArray(16)
        try require(
            agree(try readAside(), pattern, in: half), "WRITE or PULSE reaches lanes aside")
        try writeArray(pattern)
        try writeAside(pattern.map { ~$0 })
        try pulseAside(16)
        try require(
            agree(try readArray(), pattern, in: others), "lanes aside share their operations")
    }

    // MARK: Sets of their own

    private func setAsidePoints() throws(Finding) {
        let before = try point(of: .stream)
        try require(
            try point(of: .aside) == before, "after a reset, the point of lanes aside is another")
        var other = before
        other.amplitudeMillivolts = info.tuning.amplitudeMillivolts.lowerBound
        for (set, unset) in [(LaneSet.aside, LaneSet.stream), (.stream, .aside)] {
            try order(
                .operatingPoint, value: set.rawValue, OperatingPointRecord(other).bytes)
            try require(try point(of: set) == other, "another point is read back")
            try require(try point(of: unset) == before, "both points are changed")
            try order(.reset)
            try require(try point(of: set) == before, "a reset leaves the point")
        }
    }

    func point(of set: LaneSet) throws(Finding) -> OperatingPoint {
        let bytes = try get(
            .operatingPoint, value: set.rawValue, count: OperatingPointRecord.byteCount)
        do throws(RecordDefect) { return try OperatingPointRecord(parsing: bytes).point } catch {
            throw Finding("the operating point: \(error)")
        }
    }

    private func setAsideTrims() throws(Finding) {
        let limit = BoardRequest.trimsPerRequest
        let (trim, code) = (info.tuning.trim.upperBound, BoardRequest.setLaneTrim.rawValue)
        for first in stride(from: 0, to: info.lanes, by: limit) {
            let trims = [Int16](repeating: trim, count: min(limit, info.lanes - first))
            try order(
                .setLaneTrim, value: LaneSet.aside.trimValue(firstLane: first),
                LaneRecords.bytes(trims: trims))
        }
        try expectRefusal(.badValue, "a trim beyond the last lane, aside") {
            access.set(code, value: LaneSet.aside.trimValue(firstLane: info.lanes), [0, 0])
        }
        try expectRefusal(.badLength, "half a trim, aside") {
            access.set(code, value: LaneSet.aside.trimValue(firstLane: 0), [0])
        }
        guard trim < .max else { return }
        try expectRefusal(.badValue, "a trim above the largest, aside") {
            access.set(
                code, value: LaneSet.aside.trimValue(firstLane: 0),
                LaneRecords.bytes(trims: [trim + 1]))
        }
    }

    private func setAsideMask() throws(Finding) {
        let masked = none.map { _ in 0x0F as UInt8 }
        let opposite = pattern.map { ~$0 }
        try order(.lanesAside, every)
        try writeAside(pattern)
        try order(.setLaneMask, value: LaneSet.aside.rawValue, masked)
        try writeAside(opposite)
        let found = try readAside()
        try require(
            agree(found, pattern, in: masked),
            "masked lanes aside are written, or not read as they are")
        try require(
            agree(found, opposite, in: masked.map { ~$0 }),
            "with a mask, the other lanes aside are not written")
        try pulseAside(16)
        try require(
            agree(try readAside(), pattern, in: masked), "masked lanes aside are pulsed")
        try order(.lanesAside, none)
        try writeArray(opposite)
        try require(agree(try readArray(), opposite), "the mask of lanes aside is that of others")
    }

    // MARK: Requests

    func lanesAside() throws(Finding) -> [UInt8] {
        try get(.lanesAside, count: 2 * info.lanes / 8)
    }

    func writeAside(_ states: [UInt8]) throws(Finding) {
        try order(.array, value: AsideOperation.write.rawValue, states)
    }

    func pulseAside(_ count: Int) throws(Finding) {
        try order(
            .array, value: AsideOperation.pulse.rawValue, ArrayOperation.bytes(pulses: count))
    }

    func readAside() throws(Finding) -> [UInt8] {
        let states = try get(.array, value: AsideOperation.read.rawValue, count: 2 * info.lanes / 8)
        try require(
            states.count == info.lanes / 8, "\(states.count) bytes of states of lanes aside")
        return states
    }
}

extension InfoRecord.Features {
    fileprivate static let aside = besideLanesAside.union(.lanesAside)
}
