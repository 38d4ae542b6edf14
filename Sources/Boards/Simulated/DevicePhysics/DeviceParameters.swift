// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
import Glibc

/// A device: what it is made of, and how large it is.
///
/// The defaults are typical of the literature on voltage-controlled magnetic tunnel junctions. They
/// are not the parameters of any particular published array. Magnetic quantities are those at 300 K.
package struct DeviceParameters: Sendable, Equatable {
    package var diameterNanometres = 60.0
    /// Thickness of the layer that switches.
    package var freeLayerNanometres = 1.1
    package var oxideNanometres = 1.5
    /// Saturation magnetisation of the free layer in A/m.
    package var magnetisation = 1.2e6
    /// Interface anisotropy Ki in J/m².
    package var anisotropyEnergy = 1.04e-3
    /// Voltage-controlled change of that energy ξ in J/(V·m).
    package var vcmaCoefficient = 75e-15
    /// Gilbert damping α.
    package var damping = 0.03
    /// Resistance-area product in the parallel state, in Ω·µm².
    package var resistanceArea = 130.0
    /// Tunnel magnetoresistance: (antiparallel − parallel) / parallel.
    package var tunnelMagnetoresistance = 1.2
    /// Amplitude at which the oxide breaks down. An assumption: it depends on the width and the
    /// number of the pulses.
    package var breakdownMillivolts = 3000.0

    package init() {}

    /// Relative permittivity of the oxide, MgO.
    private static let permittivity = 9.7

    /// Whether a device is the same but for the rounding of a change of units.
    package func isSame(as other: DeviceParameters) -> Bool {
        zip(quantities, other.quantities).allSatisfy { abs($0 - $1) <= 1e-9 * abs($1) }
    }

    private var quantities: [Double] {
        [
            diameterNanometres, freeLayerNanometres, oxideNanometres, magnetisation, anisotropyEnergy, vcmaCoefficient,
            damping, resistanceArea, tunnelMagnetoresistance, breakdownMillivolts,
        ]
    }

    /// Throws for the first quantity outside its limits.
    package func validate() throws(DeviceParameterError) {
        let checks: [(String, Double, ClosedRange<Double>)] = [
            ("diameterNanometres", diameterNanometres, 20...200),
            ("freeLayerNanometres", freeLayerNanometres, 0.5...3),
            ("oxideNanometres", oxideNanometres, 0.5...3),
            ("magnetisation", magnetisation, 1e5...2e6),
            ("anisotropyEnergy", anisotropyEnergy, 1e-4...5e-3),
            ("vcmaCoefficient", vcmaCoefficient, 1e-15...1e-12),
            ("damping", damping, 0.001...0.5),
            ("resistanceArea", resistanceArea, 1...10_000),
            ("tunnelMagnetoresistance", tunnelMagnetoresistance, 0.05...10),
            ("breakdownMillivolts", breakdownMillivolts, 100...5000),
            // A device without a barrier has no states.
            ("anisotropyFieldMillitesla", 1000 * anisotropyField(volts: 0), 1...2000),
        ]
        // Written so that a value that is no number is outside.
        for (quantity, value, limits) in checks where !limits.contains(value) {
            throw DeviceParameterError(quantity: quantity, value: value, limits: limits)
        }
    }
}

/// A quantity of a device that is outside what the model holds for.
package struct DeviceParameterError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The unit is part of the name, except where SI units are meant.
    package let quantity: String
    package let value: Double
    package let limits: ClosedRange<Double>

    package var description: String {
        "\(quantity) \(value) is outside \(limits.lowerBound) to \(limits.upperBound)"
    }
}

extension DeviceParameters: CustomStringConvertible {
    package var description: String {
        """
        D \(diameterNanometres) nm, tf \(freeLayerNanometres) nm, tox \(oxideNanometres) nm, \
        Ms \(magnetisation) A/m, Ki \(anisotropyEnergy) J/m2, xi \(vcmaCoefficient) J/(V m), \
        alpha \(damping)
        """
    }
}

// What follows from the parameters.
extension DeviceParameters {
    /// Area in m².
    package var area: Double { .pi / 4 * diameterNanometres * diameterNanometres * 1e-18 }

    /// Magnetic moment of the free layer, Ms·Vol, in A·m².
    package var moment: Double { magnetisation * area * freeLayerNanometres * 1e-9 }

    /// Nz − Nx of the free layer: of an oblate spheroid (Osborn 1945) whose axes are as 4D to 3t.
    ///
    /// An assumption: a thin disc has no demagnetisation factor that holds everywhere in it. This
    /// choice gives 115.8 mT for the anisotropy field of the default device at 0 V.
    package var demagnetisation: Double {
        let ratio = 4 * diameterNanometres / (3 * freeLayerNanometres)
        let root = (ratio * ratio - 1).squareRoot()
        let nz = ratio * ratio / (root * root) * (1 - asin(root / ratio) / root)
        return nz - (1 - nz) / 2
    }

    /// µ0·Ms·(Nz − Nx) in T.
    var demagnetisingField: Double { Constants.permeability * magnetisation * demagnetisation }

    /// How much a volt lowers the anisotropy field, in T/V: 2ξ / (Ms·t_ox·t_f).
    package var anisotropyFieldPerVolt: Double {
        2 * vcmaCoefficient / (magnetisation * oxideNanometres * freeLayerNanometres * 1e-18)
    }

    /// Perpendicular anisotropy field Bk in T:
    /// 2Ki / (Ms·t_f) − µ0·Ms·(Nz − Nx) − 2ξV / (Ms·t_ox·t_f).
    package func anisotropyField(volts: Double) -> Double {
        2 * anisotropyEnergy / (magnetisation * freeLayerNanometres * 1e-9)
            - demagnetisingField - anisotropyFieldPerVolt * volts
    }

    /// Thermal stability Δ without a voltage: Bk·Ms·Vol / (2kT) · (1 − Bx/Bk)².
    package func thermalStability(biasFieldMicrotesla: Double, temperatureKelvin: Double) -> Double {
        let device = at(temperatureKelvin: temperatureKelvin)
        let field = device.anisotropyField(volts: 0)
        let tilt = 1 - biasFieldMicrotesla * 1e-6 / field
        return field * device.moment / (2 * Constants.boltzmann * temperatureKelvin) * tilt * tilt
    }

    /// The voltage in V that leaves an anisotropy field, in T.
    func volts(anisotropyField field: Double) -> Double {
        (anisotropyField(volts: 0) - field) / anisotropyFieldPerVolt
    }

    /// The voltage in V at which the anisotropy field vanishes.
    package var criticalVoltage: Double { volts(anisotropyField: 0) }

    /// Capacitance of the oxide in F.
    package var capacitance: Double {
        Constants.vacuumPermittivity * Self.permittivity * area / (oxideNanometres * 1e-9)
    }

    /// Resistance in the parallel state in Ω.
    package var parallelResistance: Double { resistanceArea / (area * 1e12) }

    /// Energy of a pulse through a device in the parallel state in J: ½CV² + V²t/R.
    package func pulseEnergy(_ point: OperatingPoint) -> Double {
        let leaked = point.pulseWidthPicoseconds * 1e-12 / parallelResistance
        return point.volts * point.volts * (capacitance / 2 + leaked)
    }
}

/// Constants of nature, in SI units (CODATA 2018).
enum Constants {
    static let boltzmann = 1.380_649e-23
    static let permeability = 1.256_637_062e-6
    static let vacuumPermittivity = 8.854_187_8e-12
    /// Gyromagnetic ratio of the electron γ in rad/(s·T).
    static let gyromagneticRatio = 1.7609e11
}
