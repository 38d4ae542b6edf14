// SPDX-License-Identifier: Apache-2.0

public import EntropyClient

/// The reason that a step of the diffusion process failed.
public enum DiffusionError: Error, Sendable {
    /// The array failed.
    case array(ArrayError)
    /// There are no random bits.
    case bits(SamplingError)
    /// The denoiser failed.
    case denoiser(any Error)
    /// The caller ended it.
    case interrupted
    /// Too few lanes of the array follow what is written and pulsed.
    case tooFewLanes(usable: Int, of: Int)
    /// No width of a pulse flips a device with the wanted probability; with the smallest and largest probability seen.
    case noWeakPoint(wanted: Double, seen: ClosedRange<Double>)
    /// The array cannot forget as much as the schedule wants: after the most pulses that were measured, more
    /// correlation with the written state is left than the wanted one.
    case scheduleOutOfReach(wanted: Double, reached: Double, pulses: Int)
    /// One pulse forgets so much that few steps of the schedule differ.
    case scheduleTooCoarse(steps: Int, of: Int)
}

extension DiffusionError: CustomStringConvertible {
    /// What happened, and the next thing to try.
    public var description: String {
        switch self {
        case .array(let error): "\(error)"
        case .bits(let error): "\(error)"
        case .denoiser(let error): "the model failed: \(error)"
        case .interrupted: "interrupted before the end"
        case .tooFewLanes(let usable, let count):
            "only \(usable) of \(count) lanes follow what is written and pulsed; see the health of the board:"
                + " mectl health"
        case .noWeakPoint(let wanted, let seen):
            "no pulse width flips devices with a probability of \(percent(wanted)): from \(percent(seen.lowerBound)) to"
                + " \(percent(seen.upperBound)) were seen; try another amplitude"
        case .scheduleOutOfReach(let wanted, let reached, let pulses):
            "the array does not forget enough for this schedule: after \(pulses) pulses a correlation of"
                + " \(rounded(reached)) is left, and \(rounded(wanted)) is needed; leave out lanes that do not"
                + " flip, or use stronger pulses"
        case .scheduleTooCoarse(let steps, let count):
            "only \(steps) of the schedule's \(count) steps differ by a pulse; use weaker pulses or more devices a pixel"
        }
    }
}

private func percent(_ value: Double) -> String { "\((value * 1e5).rounded() / 1e3) %" }

private func rounded(_ value: Double) -> String { "\((value * 1e5).rounded() / 1e5)" }
