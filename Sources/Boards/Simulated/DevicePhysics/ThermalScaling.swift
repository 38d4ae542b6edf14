// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How the magnetic quantities of a device fall with temperature, as parts of their values at 300 K.
///
/// Ms follows Bloch's law, 1 − (T/T*)^1.5 with T* = 1120 K, and the interface anisotropy and its change
/// by a voltage are powers of it: Ki ~ Ms^2.18, ξ ~ Ms^2.83 (Alzate et al., Appl. Phys. Lett. 104,
/// 112410, 2014, for Ta|CoFeB|MgO). Resistance, damping and dimensions are taken as constant.
package struct ThermalScaling: Sendable, Equatable {
    package let magnetisation: Double
    package let anisotropyEnergy: Double
    package let vcmaCoefficient: Double

    /// - Parameter temperatureKelvin: well below T*.
    package init(temperatureKelvin: Double) {
        magnetisation = Self.magnetisation(at: temperatureKelvin)
        anisotropyEnergy = pow(magnetisation, 2.18)
        vcmaCoefficient = pow(magnetisation, 2.83)
    }

    package static func magnetisation(at kelvin: Double) -> Double {
        bloch(kelvin) / bloch(300)
    }

    private static func bloch(_ kelvin: Double) -> Double {
        let part = kelvin / 1120
        return 1 - part * part.squareRoot()
    }
}

extension DeviceParameters {
    /// The device with its magnetic quantities as they are at a temperature.
    package func at(temperatureKelvin: Double) -> DeviceParameters {
        let scaling = ThermalScaling(temperatureKelvin: temperatureKelvin)
        var device = self
        device.magnetisation *= scaling.magnetisation
        device.anisotropyEnergy *= scaling.anisotropyEnergy
        device.vcmaCoefficient *= scaling.vcmaCoefficient
        return device
    }
}
