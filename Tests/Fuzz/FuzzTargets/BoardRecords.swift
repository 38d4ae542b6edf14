// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import EntropyTerms

extension FuzzTarget {
    /// The records of MEB/1 on endpoint 0, each read from the same bytes.
    static let boardRecords = FuzzTarget("board-records", inputLimit: 256) { bytes in
        let bytes = Array(bytes)
        checkInfo(bytes)
        checkStatus(bytes)
        checkOperatingPoint(bytes)
        checkLaneRecords(bytes)
        checkRequest(bytes)
        checkPattern(bytes)
    }
}

private func checkInfo(_ bytes: [UInt8]) {
    guard let info = try? InfoRecord(parsing: bytes) else { return }
    require(info.bytes.count == InfoRecord.byteCount, "a record has its length")
    require(
        (try? InfoRecord(parsing: info.bytes)) == info,
        "what a board is stays the same when it is written and read")
    // What the driver makes of it traps for a board that cannot be.
    let board = BoardDescription(
        kind: "usb", provenance: .hardware, serial: "", path: "", firmware: "1.0",
        lanes: info.lanes, encoding: info.encoding,
        operatingPoint: OperatingPoint(
            amplitudeMillivolts: info.tuning.amplitudeMillivolts.lowerBound,
            pulseWidthPicoseconds: info.tuning.pulseWidthPicoseconds.lowerBound,
            biasFieldMicrotesla: info.tuning.biasFieldMicrotesla.lowerBound),
        maximumPayload: info.maximumPayload, tuning: info.tuning)
    require(board.maximumPayload >= board.lanes / 8, "a frame holds at least a shot")
    require(
        info.tuning.violation(of: board.operatingPoint) == nil,
        "the ends of the limits are within the limits")
    require(
        (try? OperatingPointRecord(parsing: OperatingPointRecord(board.operatingPoint).bytes))?
            .point == board.operatingPoint,
        "an operating point within the limits can be set")
}

private func checkStatus(_ bytes: [UInt8]) {
    guard let status = try? StatusRecord(parsing: bytes) else { return }
    require(
        (try? StatusRecord(parsing: status.bytes)) == status,
        "a status stays the same when it is written and read")
}

private func checkOperatingPoint(_ bytes: [UInt8]) {
    guard let record = try? OperatingPointRecord(parsing: bytes) else { return }
    require(
        record.bytes.elementsEqual(bytes.prefix(OperatingPointRecord.byteCount)),
        "an operating point that was read is written as the same bytes")
}

private func checkLaneRecords(_ bytes: [UInt8]) {
    let trims = LaneRecords.trims(parsing: bytes)
    require(
        LaneRecords.bytes(trims: trims).elementsEqual(bytes.prefix(bytes.count / 2 * 2)),
        "trims that were read are written as the same bytes")
    require(
        LaneRecords.bytes(bits: LaneRecords.bits(parsing: bytes))
            .elementsEqual(bytes.prefix(bytes.count / 8 * 8)),
        "bits of lanes that were read are written as the same bytes")
    let resistances = LaneRecords.resistanceOhms(parsing: bytes)
    require(resistances.count == bytes.count / 4, "every four bytes are a resistance")
    require(resistances.allSatisfy { $0 >= 0 && $0.isFinite }, "a resistance is a number")
    let written = LaneRecords.bytes(resistanceOhms: resistances)
    require(
        LaneRecords.resistanceOhms(parsing: written).elementsEqual(resistances) {
            abs($0 - $1) <= max(0.001, $1 * 1e-6)
        },
        "a resistance stays the same, to a float's precision, when it is written and read")
}

private func checkRequest(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    if let request = BoardRequest(rawValue: first) {
        require(request.rawValue == first, "a request has its number")
    }
    if let operation = ArrayOperation(rawValue: UInt16(first)) {
        require(operation.rawValue == UInt16(first), "an operation has its number")
    }
    if let operation = AsideOperation(rawValue: UInt16(first)) {
        require(operation.rawValue == UInt16(first), "an operation on lanes aside has its number")
    }
    if bytes.count >= 2 {
        let value = UInt16(first) | UInt16(bytes[1]) << 8
        let (set, lane) = LaneSet.parse(trimValue: value)
        require(
            set.trimValue(firstLane: lane) == value,
            "the lanes that trims are for stay the same when they are read and written")
    }
    if let pulses = try? ArrayOperation.pulses(parsing: bytes) {
        require((1...ArrayOperation.pulseLimit).contains(pulses), "pulses are within the limit")
        require(
            ArrayOperation.bytes(pulses: pulses).elementsEqual(bytes.prefix(4)),
            "a number of pulses that was read is written as the same bytes")
    }
}

private func checkPattern(_ bytes: [UInt8]) {
    let words = bytes.count / 8
    let error = bytes.withUnsafeBytes { LinkTestPattern.firstError(in: $0, firstWord: 0) }
    if let error { require((0..<words * 8).contains(error), "an error is where bytes are") }
    var pattern = bytes
    pattern.withUnsafeMutableBytes { LinkTestPattern.fill($0, firstWord: 0) }
    if let error {
        require(
            pattern[error] != bytes[error] && pattern[..<error].elementsEqual(bytes[..<error]),
            "the first byte that is wrong is named")
    } else {
        require(pattern == bytes, "the pattern has no error, and nothing else has none")
    }
}
