// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics
import EntropyTerms

/// Values of one board, or of two, that are valid separately but not together.
struct BoardConflict: Sendable, Equatable {
    /// The key to change.
    let key: String
    let found: String
    let expected: String
}

extension BoardSettings {
    /// The conflict with the first of other entries with which there is one; nil if there is none.
    ///
    /// - Parameter key: the keys that lead to the list of the others.
    func firstConflict(with others: [BoardSettings], at key: String) -> BoardConflict? {
        // Entries that have nothing in common are passed over quickly: a file can have thousands.
        for index in others.indices where mayConflict(with: others[index]) {
            if let conflict = conflict(with: others[index], at: "\(key)[\(index)]") { return conflict }
        }
        return others.first.flatMap { mixture(with: $0, at: "\(key)[0]") }
    }

    /// The conflict with the first entry of boards of which one is random and the other is not: a request is answered
    /// by whichever has bits, so that clients would be refused by chance.
    private func mixture(with first: BoardSettings, at key: String) -> BoardConflict? {
        guard provenance.isGenuine != first.provenance.isGenuine else { return nil }
        let what = { (board: BoardSettings) in board.provenance.isGenuine ? "random" : "not random" }
        return BoardConflict(
            key: "kind", found: "\(name), whose bits are \(what(self))",
            expected: "boards like \(key), \(first.name), whose bits are \(what(first));"
                + " run a second daemon for the others")
    }

    private func mayConflict(with other: borrowing BoardSettings) -> Bool {
        name == other.name || usb.serial == other.usb.serial && !usb.serial.isEmpty
            || usb.place == other.usb.place && !usb.place.isEmpty
    }

    /// The conflict with another entry; nil if there is none.
    ///
    /// - Parameter key: the keys that lead to the other.
    private func conflict(with other: BoardSettings, at key: String) -> BoardConflict? {
        if name == other.name {
            return BoardConflict(
                key: "name", found: name, expected: "a name other than that of \(key)")
        }
        return usbSelectionConflict(with: other, at: key)
    }

    /// The conflict of two entries that select the same USB board.
    private func usbSelectionConflict(
        with other: BoardSettings, at key: String
    ) -> BoardConflict? {
        guard kind == .usb, other.kind == .usb,
            usb.identifiers.contains(where: other.usb.identifiers.contains)
        else { return nil }
        func expected(_ what: String) -> String {
            "a \(what) other than that of \(key), \(other.name)"
        }
        if !usb.serial.isEmpty, usb.serial == other.usb.serial {
            return BoardConflict(
                key: "usb.serial", found: "\(excerpt(usb.serial)) for \(name)",
                expected: expected("serial number"))
        }
        guard !usb.place.isEmpty, usb.place == other.usb.place else { return nil }
        return BoardConflict(
            key: "usb.place", found: "\(usb.place) for \(name)", expected: expected("port path"))
    }

    /// The conflicts among the board's own settings.
    var conflicts: [BoardConflict] {
        [
            pathConflict, usbConflict, foldConflict, deviceConflict, operatingPointConflict,
            faultConflict,
        ]
        .compactMap { $0 }
    }

    private var pathConflict: BoardConflict? {
        guard kind.hasPath == path.isEmpty else { return nil }
        let what =
            kind.hasPath ? "the path of a file for a board of kind" : "no path for a board of kind"
        return BoardConflict(
            key: "path", found: path.isEmpty ? "no path" : excerpt(path),
            expected: "\(what) \(kind.rawValue)")
    }

    private var usbConflict: BoardConflict? {
        if kind != .usb, usb != USBSettings() {
            return BoardConflict(
                key: "usb", found: "settings for a board on the USB",
                expected: "none for a board of kind \(kind.rawValue)")
        }
        guard !usb.serial.isEmpty, !usb.place.isEmpty else { return nil }
        return BoardConflict(
            key: "usb", found: "a serial number and a port path", expected: "one of the two")
    }

    private var foldConflict: BoardConflict? {
        // Lanes that only the board itself can tell are checked once the daemon has opened it.
        guard kind.hasLanesSetting, !lanes.isMultiple(of: 64 * xorFold) else { return nil }
        return BoardConflict(
            key: "xorFold", found: "\(xorFold) with \(lanes) lanes",
            expected: "lanes in multiples of \(64 * xorFold)")
    }

    private var deviceConflict: BoardConflict? {
        do throws(DeviceParameterError) {
            try array.device.parameters(of: array.preset).validate()
            return nil
        } catch {
            return BoardConflict(
                key: "array", found: "a device with \(error.quantity) \(error.value)",
                expected: "\(error.limits.lowerBound) to \(error.limits.upperBound)")
        }
    }

    /// The conflict of the operating point with the preset. A USB board reports its limits when opened.
    private var operatingPointConflict: BoardConflict? {
        guard kind == .simulated else { return nil }
        let point = array.preset.operatingPoint.replacing(operatingPoint)
        let limits = array.preset.driveLimits(
            breakdownMillivolts: array.device.breakdownMillivolts)
        let checks = [
            (
                "an amplitude of", point.amplitudeMillivolts,
                "mV", limits.amplitudeMillivolts, ", nine tenths of breakdownMillivolts"
            ),
            (
                "a pulse of", point.pulseWidthPicoseconds,
                "ps", limits.pulseWidthPicoseconds, " with this preset"
            ),
            (
                "a bias field of",
                point.biasFieldMicrotesla,
                "µT", limits.biasFieldMicrotesla, ""
            ),
        ]
        return checks.first { !$0.3.contains($0.1) }.map { what, value, unit, limits, why in
            BoardConflict(
                key: "operatingPoint", found: "\(what) \(value) \(unit)",
                expected: "\(limits.lowerBound) to \(limits.upperBound) \(unit)\(why)")
        }
    }

    private var faultConflict: BoardConflict? {
        let isSimulated = kind == .simulated
        if !isSimulated, !faults.orders.isEmpty {
            return BoardConflict(
                key: "faults", found: "faults", expected: "none: only simulated boards have faults")
        }
        return faults.orders.lazy.compactMap { $0.defect(lanes: lanes) }.first.map {
            BoardConflict(key: "faults", found: $0, expected: "faults that the board can have")
        }
    }
}
