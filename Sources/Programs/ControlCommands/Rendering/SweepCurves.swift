// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import ControlInterface

/// A sweep as curves: how often devices switch, against the width of pulses for each amplitude, or
/// against the amplitude when there is only one width.
struct SweepCurves {
    enum Axis {
        case width
        case amplitude

        var title: String {
            switch self {
            case .width: "pulse width in ps"
            case .amplitude: "amplitude in mV"
            }
        }

        func place(of point: SweepPointReport) -> Double {
            switch self {
            case .width: point.pulseWidthPicoseconds
            case .amplitude: point.amplitudeMillivolts
            }
        }

        func place(of point: OperatingPoint) -> Double {
            switch self {
            case .width: point.pulseWidthPicoseconds
            case .amplitude: point.amplitudeMillivolts
            }
        }

        /// What is the same along a curve, in its unit.
        func level(of point: SweepPointReport) -> String {
            switch self {
            case .width: "\(decimal(point.amplitudeMillivolts, places: 0)) mV"
            case .amplitude: "\(decimal(point.pulseWidthPicoseconds, places: 0)) ps"
            }
        }
    }

    let axis: Axis
    /// One for each amplitude, or one in all; none is empty. Points are in the order of the axis.
    let curves: [[SweepPointReport]]
    /// From the first place on the axis to the last.
    let range: ClosedRange<Double>

    /// - Returns: nil without points.
    init?(_ points: [SweepPointReport]) {
        let amplitudes = Dictionary(grouping: points, by: \.amplitudeMillivolts)
        let hasWidths = Set(points.map(\.pulseWidthPicoseconds)).count > 1
        let axis: Axis = !hasWidths && amplitudes.count > 1 ? .amplitude : .width
        self.axis = axis
        let groups =
            axis == .width
            ? amplitudes.sorted { $0.key < $1.key }.map(\.value) : [points]
        curves = groups.map { $0.sorted { axis.place(of: $0) < axis.place(of: $1) } }
        let places = points.map(axis.place)
        guard let first = places.min(), let last = places.max() else { return nil }
        range = first...last
    }

    /// Where on the axis a value is, from 0 to 1; in the middle when the axis has no length.
    func share(_ value: Double) -> Double {
        let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        return share.isFinite ? within(share) : 0.5
    }

    /// Round values on the axis, at most `count` or so.
    func ticks(_ count: Int) -> [Double] { roundValues(in: range, count) }
}

/// A share, whatever was sent for one, from 0 to 1.
func within(_ share: Double) -> Double { share.isNaN ? 0 : min(max(share, 0), 1) }

/// Multiples of 1, 2 or 5 times a power of ten within a range, at most `count + 1`.
func roundValues(in range: ClosedRange<Double>, _ count: Int) -> [Double] {
    let length = range.upperBound - range.lowerBound
    guard length.isFinite, length > 0, length > range.upperBound.magnitude * 1e-9 else {
        return [range.lowerBound]
    }
    var power = 1.0
    while power * 10 <= length / Double(count) { power *= 10 }
    while power > length / Double(count) { power /= 10 }
    let step = power * ([1, 2, 5].first { power * $0 >= length / Double(count) } ?? 10)
    let first = (range.lowerBound / step).rounded(.up)
    return (0...count).map { (first + Double($0)) * step }.filter { $0 <= range.upperBound }
}
