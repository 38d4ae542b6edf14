// SPDX-License-Identifier: Apache-2.0

extension Macrospin {
    /// The probability to end in the other state for each width of pulse, without the error of shots and time steps.
    ///
    /// - Parameter widths: in ps, rising.
    package func exactSwitchingProbabilities(
        amplitudeMillivolts: Double, widths: [Double], from start: DeviceState
    ) -> [Double] {
        // From up to down in a field is from down to up in the opposite one.
        let fields = MacrospinFields(
            bias: biasFieldMicrotesla * 1e-6,
            easyAxis: (start == .down ? 1e-6 : -1e-6) * easyAxisFieldMicrotesla,
            restingAnisotropy: device.anisotropyField(volts: 0),
            thermal: Constants.boltzmann * temperatureKelvin / device.moment, damping: device.damping)
        return SwitchingEquation(fields, settlingDamping: settlingDamping).probabilities(
            anisotropy: device.anisotropyField(volts: amplitudeMillivolts / 1000), widths: widths)
    }
}
