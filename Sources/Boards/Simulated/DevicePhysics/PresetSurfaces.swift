// SPDX-License-Identifier: Apache-2.0

extension ArrayPreset {
    /// The switching surface of the preset, which is part of the program.
    package var surface: SwitchingSurface {
        switch self {
        case .quarterPeriod: Self.quarterPeriodSurface
        case .damped: Self.dampedSurface
        }
    }

    /// The surface of the preset for short pulses, which is part of the program too.
    package var weakPulseSurface: WeakPulseSurface {
        switch self {
        case .quarterPeriod: Self.quarterPeriodWeakPulses
        case .damped: Self.dampedWeakPulses
        }
    }

    /// The chain of a device at a place: that of the weak-pulse surface for short pulses, and that of the switching
    /// surface for long ones. In between it goes over from one to the other, in proportion to the width.
    package func chain(at place: SwitchingSurface.Place) -> SwitchingChain {
        let (begin, end) = (Self.transitionPicoseconds.lowerBound, Self.transitionPicoseconds.upperBound)
        let share = max(0, min(1, (place.pulseWidthPicoseconds - begin) / (end - begin)))
        if share == 0 { return weakPulseSurface.chain(at: place) }
        if share == 1 { return surface.chain(at: place) }
        let (short, long) = (weakPulseSurface.chain(at: place), surface.chain(at: place))
        return SwitchingChain(
            p01: short.p01 + share * (long.p01 - short.p01), p10: short.p10 + share * (long.p10 - short.p10))
    }

    /// Below the streaming point of the presets, and below the end of the weak-pulse surface at 320 ps.
    package static let transitionPicoseconds = 290.0...320.0

    private static let quarterPeriodSurface = embedded { () throws(SurfaceFileError) in
        try SwitchingSurface(file: PackageResources.quarterPeriod_surface)
    }
    private static let dampedSurface = embedded { () throws(SurfaceFileError) in
        try SwitchingSurface(file: PackageResources.damped_surface)
    }
    private static let quarterPeriodWeakPulses = embedded { () throws(SurfaceFileError) in
        try WeakPulseSurface(file: PackageResources.quarterPeriodWeak_surface)
    }
    private static let dampedWeakPulses = embedded { () throws(SurfaceFileError) in
        try WeakPulseSurface(file: PackageResources.dampedWeak_surface)
    }

    private static func embedded<Surface>(_ read: () throws(SurfaceFileError) -> Surface) -> Surface {
        do { return try read() } catch { fatalError("the surface in the program: \(error)") }
    }
}
