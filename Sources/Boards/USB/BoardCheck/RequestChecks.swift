// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import USBBoard

// Checks of endpoint 0.
extension BoardChecker {
    static let requestChecks: [Check] = [
        Check(name: "the descriptors give the version and the name") {
            (checker) throws(Finding) in
            let access = checker.access
            try checker.require(
                access.majorVersion == BoardInterface.majorVersion,
                "the protocol of the interface is \(access.majorVersion)")
            try checker.require(
                access.product.hasPrefix(BoardInterface.productPrefix),
                "the product is \(access.product)")
        },
        Check(name: "a short read returns the beginning of a record") {
            (checker) throws(Finding) in
            let part = try checker.get(.getInfo, count: 2)
            try checker.require(
                part == [BoardInterface.majorVersion, checker.info.minorVersion],
                "its two bytes are \(part.map { "\($0)" }.joined(separator: ", "))")
        },
        Check(name: "after a reset it is idle, with no refusals") {
            (checker) throws(Finding) in
            let status = try checker.status()
            try checker.require(
                status.activity == .idle && status.refusals == 0 && status.lastRefusal == .none,
                "it is \(status.activity.text), with \(status.refusals) refusals")
        },
        Check(name: "unknown requests are refused") { (checker) throws(Finding) in
            for code in [0x00, 0x0C, 0x7F, 0xFF] as [UInt8] {
                try checker.expectRefusal(.unknownRequest, "request \(code) to the board") {
                    checker.access.set(code)
                }
                try checker.expectRefusal(.unknownRequest, "request \(code) from the board") {
                    checker.access.get(code, count: 8)
                }
            }
        },
        Check(name: "requests in the wrong direction are refused") { (checker) throws(Finding) in
            try checker.expectRefusal(.unknownRequest, "START from the board") {
                checker.access.get(BoardRequest.start.rawValue, count: 8)
            }
            try checker.expectRefusal(.unknownRequest, "GET_INFO to the board") {
                checker.access.set(BoardRequest.getInfo.rawValue)
            }
        },
        Check(name: "data with a request that takes none is refused") { (checker) throws(Finding) in
            for request in [BoardRequest.start, .stop, .selfTest, .reset] {
                try checker.expectRefusal(.badLength, "\(request.text) with a byte") {
                    checker.access.set(request.rawValue, [0])
                }
            }
        },
        Check(name: "an operating point is set and read back", needs: .operatingPoint) {
            (checker) throws(Finding) in try checker.setPoints()
        },
        Check(name: "impossible operating points are refused", needs: .operatingPoint) {
            (checker) throws(Finding) in try checker.setBadPoints()
        },
        Check(name: "trims are accepted, and impossible ones refused", needs: .laneTrim) {
            (checker) throws(Finding) in try checker.setTrims()
        },
        Check(name: "every lane has a resistance", needs: .resistances) {
            (checker) throws(Finding) in try checker.readResistances()
        },
    ]

    private func point() throws(Finding) -> OperatingPoint {
        let bytes = try get(.operatingPoint, count: OperatingPointRecord.byteCount)
        do throws(RecordDefect) { return try OperatingPointRecord(parsing: bytes).point } catch {
            throw Finding("the operating point: \(error)")
        }
    }

    private func setPoints() throws(Finding) {
        let before = try point()
        try require(info.tuning.violation(of: before) == nil, "it starts outside its own limits")
        for edge in [\ClosedRange<Double>.lowerBound, \.upperBound] {
            let wanted = OperatingPoint(
                amplitudeMillivolts: info.tuning.amplitudeMillivolts[keyPath: edge],
                pulseWidthPicoseconds: info.tuning.pulseWidthPicoseconds[keyPath: edge],
                biasFieldMicrotesla: info.tuning.biasFieldMicrotesla[keyPath: edge])
            try order(.operatingPoint, OperatingPointRecord(wanted).bytes)
            let found = try point()
            try require(found == wanted, "\(wanted.text) were set, but \(found.text) are read back")
        }
        try order(.reset)
        let after = try point()
        try require(after == before, "a reset leaves \(after.text) instead of \(before.text)")
    }

    private func setBadPoints() throws(Finding) {
        let before = try point()
        var high = before
        high.amplitudeMillivolts = info.tuning.amplitudeMillivolts.upperBound + 1
        var wide = before
        wide.pulseWidthPicoseconds = info.tuning.pulseWidthPicoseconds.upperBound + 1
        for wrong in [high, wide] {
            try expectRefusal(.badValue, "\(wrong.text)") {
                access.set(
                    BoardRequest.operatingPoint.rawValue, OperatingPointRecord(wrong).bytes)
            }
        }
        try expectRefusal(.badLength, "an operating point of 3 bytes") {
            access.set(BoardRequest.operatingPoint.rawValue, [1, 2, 3])
        }
        let after = try point()
        try require(after == before, "a refused point has changed \(before.text) to \(after.text)")
    }

    private func setTrims() throws(Finding) {
        let limit = BoardRequest.trimsPerRequest
        let trim = info.tuning.trim.upperBound
        for first in stride(from: 0, to: info.lanes, by: limit) {
            let trims = [Int16](repeating: trim, count: min(limit, info.lanes - first))
            try order(.setLaneTrim, value: UInt16(first), LaneRecords.bytes(trims: trims))
        }
        try expectRefusal(.badValue, "a trim beyond the last lane") {
            access.set(BoardRequest.setLaneTrim.rawValue, value: UInt16(info.lanes), [0, 0])
        }
        try expectRefusal(.badLength, "half a trim") {
            access.set(BoardRequest.setLaneTrim.rawValue, [0])
        }
        guard trim < .max else { return }
        try expectRefusal(.badValue, "a trim above the largest") {
            access.set(
                BoardRequest.setLaneTrim.rawValue, LaneRecords.bytes(trims: [trim + 1]))
        }
    }

    private func readResistances() throws(Finding) {
        let perPage = BoardRequest.resistancesPerRequest
        for first in stride(from: 0, to: info.lanes, by: perPage) {
            let count = min(perPage, info.lanes - first)
            let bytes = try get(
                .getStatus, value: UInt16(1 + first / perPage), count: 4 * perPage)
            try require(
                bytes.count == 4 * count,
                "lanes \(first) on: \(bytes.count) bytes instead of \(4 * count)")
            let ohms = LaneRecords.resistanceOhms(parsing: bytes)
            let dead = ohms.firstIndex { $0 <= 0 }
            try require(dead == nil, "lane \(first + (dead ?? 0)) has no resistance")
        }
        let pages = (info.lanes + perPage - 1) / perPage
        try expectRefusal(.badValue, "resistances of lanes that do not exist") {
            access.get(BoardRequest.getStatus.rawValue, value: UInt16(1 + pages), count: 4)
        }
    }
}
