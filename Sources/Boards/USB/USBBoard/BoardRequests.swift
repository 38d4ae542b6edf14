// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import CBoardLink
import EntropyTerms

/// Requests to a board, with records for their data.
extension BoardConnection {
    func info(of device: FoundDevice) throws(BoardError) -> InfoRecord {
        let bytes = try get(.getInfo, count: 4 * InfoRecord.byteCount)
        do throws(RecordDefect) {
            return try InfoRecord(parsing: bytes)
        } catch {
            throw .unsupported("\(device.name): \(error)")
        }
    }

    func operatingPoint() throws(BoardError) -> OperatingPoint {
        let bytes = try get(.operatingPoint, count: OperatingPointRecord.byteCount)
        return try readable { () throws(RecordDefect) in try OperatingPointRecord(parsing: bytes) }
            .point
    }

    /// Sets a point of the configuration, which may be outside what the board allows.
    func set(_ point: OperatingPoint, within tuning: Tuning) throws(BoardError) {
        if let violation = tuning.violation(of: point) {
            throw .unsupported("the configured operating point: \(violation)")
        }
        try set(.operatingPoint, OperatingPointRecord(point).bytes)
    }

    /// - Parameter trims: one for each lane.
    func setTrims(_ trims: [Int16], of set: LaneSet = .stream) throws(BoardError) {
        let limit = BoardRequest.trimsPerRequest
        for first in stride(from: 0, to: trims.count, by: limit) {
            let part = trims.dropFirst(first).prefix(limit)
            try self.set(
                .setLaneTrim, value: set.trimValue(firstLane: first), LaneRecords.bytes(trims: part))
        }
    }

    func telemetry(lanes: Int) throws(BoardError) -> BoardTelemetry {
        let bytes = try get(.getStatus, count: StatusRecord.byteCount)
        let status = try readable { () throws(RecordDefect) in try StatusRecord(parsing: bytes) }
        var ohms: [Float] = []
        for first in stride(from: 0, to: lanes, by: BoardRequest.resistancesPerRequest) {
            let count = min(BoardRequest.resistancesPerRequest, lanes - first)
            let page = first / BoardRequest.resistancesPerRequest
            let answer = try get(.getStatus, value: UInt16(1 + page), count: 4 * count)
            guard answer.count == 4 * count else {
                throw .stalled("its resistances take \(answer.count) bytes instead of \(4 * count)")
            }
            ohms += LaneRecords.resistanceOhms(parsing: answer)
        }
        return BoardTelemetry(
            temperatureCelsius: Double(status.temperature) / 100, resistanceOhms: ohms)
    }

    private func readable<Record>(
        _ parse: () throws(RecordDefect) -> Record
    ) throws(BoardError) -> Record {
        do throws(RecordDefect) { return try parse() } catch {
            throw .stalled("its answer cannot be read: \(error)")
        }
    }
}

extension FoundDevice {
    /// The protocol of the interface is the major version.
    func checkVersion() throws(BoardError) {
        let spoken = raw.interface_protocol
        if spoken != BoardInterface.majorVersion {
            throw .unsupported("\(name): \(RecordDefect.majorVersion(spoken))")
        }
    }
}

extension BoardDescription {
    init(_ device: FoundDevice, _ info: InfoRecord, point: OperatingPoint) {
        let features = info.features
        let isTunable = features.isSuperset(of: .tunable)
        self.init(
            kind: "usb", provenance: features.contains(.simulated) ? .simulated : .hardware,
            serial: device.serial, path: "usb:\(device.place)",
            firmware: "\(info.firmware.major).\(info.firmware.minor)", lanes: info.lanes,
            encoding: info.encoding, operatingPoint: point, maximumPayload: info.maximumPayload,
            shotsPerSecond: info.shotsPerSecond == 0 ? nil : Double(info.shotsPerSecond),
            tuning: isTunable
                ? info.tuning.delayed(byBytes: device.bytesInFlight, lanes: info.lanes) : nil,
            hasArrayOperations: features.isSuperset(of: .arrayOperations),
            canSetLanesAside: isTunable && info.canSetLanesAside)
    }
}

extension Tuning {
    /// Shots in flight when a trim is set have the earlier trim.
    fileprivate func delayed(byBytes bytes: Int, lanes: Int) -> Tuning {
        Tuning(
            amplitudeMillivolts: amplitudeMillivolts, pulseWidthPicoseconds: pulseWidthPicoseconds,
            biasFieldMicrotesla: biasFieldMicrotesla, trim: trim,
            trimLatencyShots: trimLatencyShots + bytes / (lanes / 8))
    }
}

extension InfoRecord.Features {
    /// What metrng needs to hold the lanes of a board and to watch its devices.
    fileprivate static let tunable: Self = [.operatingPoint, .laneTrim, .resistances]
    /// What an `ArrayBoard` needs.
    fileprivate static let arrayOperations: Self = [.array, .laneMask]
}
