// SPDX-License-Identifier: Apache-2.0

import Boards
import DevicePhysics

/// Values of a board that are possible each by itself, and not together.
struct BoardConflict: Sendable, Equatable {
    /// The key that is to be changed.
    let key: String
    let found: String
    let expected: String
}

extension BoardSettings {
    /// Everything about the board that does not fit; empty when all does.
    var conflicts: [BoardConflict] {
        [pathConflict, foldConflict, deviceConflict, amplitudeConflict, faultConflict]
            .compactMap { $0 }
    }

    private var pathConflict: BoardConflict? {
        let needsPath = kind != .simulated
        guard needsPath == path.isEmpty else { return nil }
        let what =
            needsPath ? "the path of a file for a board of kind" : "no path for a board of kind"
        return BoardConflict(
            key: "path", found: path.isEmpty ? "no path" : excerpt(path),
            expected: "\(what) \(kind.rawValue)")
    }

    private var foldConflict: BoardConflict? {
        // The lanes of a replay are those of its recording, which the daemon looks at when it opens it.
        guard kind != .replay, !lanes.isMultiple(of: 64 * xorFold) else { return nil }
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
                expected: "\(error.limits.lowerBound) to \(error.limits.upperBound) of it")
        }
    }

    private var amplitudeConflict: BoardConflict? {
        let breakdown = array.device.breakdownMillivolts
        let amplitude = operatingPoint.amplitudeMillivolts ?? array.preset.drive.amplitudeMillivolts
        guard amplitude > breakdown else { return nil }
        return BoardConflict(
            key: "operatingPoint", found: "an amplitude of \(amplitude) mV",
            expected: "at most the breakdownMillivolts of the device, \(breakdown)")
    }

    private var faultConflict: BoardConflict? {
        let isSimulated = kind == .simulated
        if !isSimulated, !faults.orders.isEmpty {
            return BoardConflict(
                key: "faults", found: "faults", expected: "none: only simulated boards have them")
        }
        return faults.orders.lazy.compactMap { $0.defect(lanes: lanes) }.first.map {
            BoardConflict(key: "faults", found: $0, expected: "faults that the board can have")
        }
    }
}
