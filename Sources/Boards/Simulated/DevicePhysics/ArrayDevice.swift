// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// One device of an array, as level 3 of the model: the chain it is at any operating point.
///
/// The motion of the magnetisation depends on the anisotropy field, the bias and easy-axis fields,
/// damping and T/(Ms·Vol) only, and is the same when all fields and T/(Ms·Vol) are multiplied by a
/// number and times are divided by it. So this device at its operating point moves as the nominal
/// device of the preset does at another, for which there are surfaces. That of long pulses is approximate: with it
/// the anisotropy field before and after the pulse becomes that of the nominal device at the
/// temperature at which its T/(Ms·Vol) is the same.
package struct ArrayDevice: Sendable {
    package let preset: ArrayPreset
    package let parameters: DeviceParameters
    /// Field of the array along the easy axis.
    package let strayFieldMicrotesla: Double
    /// A device that never switches.
    package let isDead: Bool

    private let magnetics: Magnetics
    private let nominalMoment: Double
    private let nominalBias: Double
    private let meanResistance: Double

    package init(
        preset: ArrayPreset, parameters: DeviceParameters, strayFieldMicrotesla: Double,
        isDead: Bool
    ) {
        self.preset = preset
        self.parameters = parameters
        self.strayFieldMicrotesla = strayFieldMicrotesla
        self.isDead = isDead
        magnetics = Magnetics(parameters)
        nominalMoment = preset.device.moment
        nominalBias = preset.operatingPoint.biasFieldMicrotesla
        meanResistance =
            parameters.parallelResistance * (1 + parameters.tunnelMagnetoresistance / 2)
    }

    /// The chain of the device. Cheap: it is asked for again whenever something drifts.
    ///
    /// - Parameters:
    ///   - point: within the preset's limits.
    ///   - trim: in steps of the preset's.
    ///   - drift: by how much slow changes move a probability of ½; see `SwitchingChain.disturbed(by:)`.
    package func chain(
        at point: OperatingPoint, trim: Int16, temperatureKelvin: Double, drift: Double
    ) -> SwitchingChain {
        guard !isDead else { return .dead }
        return preset.chain(at: place(at: point, trim: trim, temperatureKelvin: temperatureKelvin))
            .disturbed(by: drift)
    }

    /// Where on the surfaces the device is.
    package func place(
        at point: OperatingPoint, trim: Int16, temperatureKelvin: Double
    ) -> SwitchingSurface.Place {
        precondition(point.pulseWidthPicoseconds >= 0 && point.biasFieldMicrotesla > 0)
        var width = point.pulseWidthPicoseconds
        var field = strayFieldMicrotesla
        switch preset.trimStep {
        case .pulseWidth(let picoseconds): width += Double(trim) * picoseconds
        case .easyAxisField(let microtesla): field += Double(trim) * microtesla
        }
        let scale = nominalBias / point.biasFieldMicrotesla
        let thermal = ThermalScaling(temperatureKelvin: temperatureKelvin)
        let anisotropy = scale * magnetics.anisotropyField(volts: point.volts, thermal)
        let perMoment = scale * temperatureKelvin / (magnetics.moment * thermal.magnetisation)
        return SwitchingSurface.Place(
            anisotropyFieldMicrotesla: 1e6 * anisotropy,
            restingAnisotropyFieldMicrotesla: 1e6 * scale * magnetics.anisotropyField(volts: 0, thermal),
            pulseWidthPicoseconds: width / scale,
            temperatureKelvin: Self.temperature(
                perMagnetisation: perMoment * nominalMoment, from: temperatureKelvin),
            easyAxisFieldMicrotesla: scale * field)
    }

    /// The temperature T at which T over the part of the magnetisation that is left is a value, by
    /// iteration: each step takes the error to less than a third, up to 500 K.
    ///
    /// - Parameter start: a temperature near it.
    private static func temperature(perMagnetisation value: Double, from start: Double) -> Double {
        var kelvin = start
        for _ in 0..<8 { kelvin = value * ThermalScaling.magnetisation(at: kelvin) }
        return kelvin
    }

    /// How much of the resistance a drift by 1 would take with it. An assumption: El Valli et al.
    /// (2025) report that drift and resistance go together, and this is a plausible size.
    private static let resistanceShare = 0.2

    /// Resistance averaged over both states, in Ω.
    package func resistanceOhms(drift: Double) -> Double {
        meanResistance * (1 + Self.resistanceShare * drift)
    }
}

/// What the motion of the magnetisation depends on, worked out once, as it is at 300 K.
private struct Magnetics {
    /// Field of the interface anisotropy, 2Ki / (Ms·t_f), in T.
    let interfaceField: Double
    /// µ0·Ms·(Nz − Nx) in T.
    let demagnetisingField: Double
    /// In T/V.
    let fieldPerVolt: Double
    /// In A·m².
    let moment: Double

    init(_ parameters: DeviceParameters) {
        demagnetisingField = parameters.demagnetisingField
        interfaceField = parameters.anisotropyField(volts: 0) + demagnetisingField
        fieldPerVolt = parameters.anisotropyFieldPerVolt
        moment = parameters.moment
    }

    /// In T: `DeviceParameters.anisotropyField(volts:)` at a temperature.
    func anisotropyField(volts: Double, _ thermal: ThermalScaling) -> Double {
        let interface = interfaceField * thermal.anisotropyEnergy
        let change = fieldPerVolt * thermal.vcmaCoefficient * volts
        return (interface - change) / thermal.magnetisation
            - demagnetisingField * thermal.magnetisation
    }
}
