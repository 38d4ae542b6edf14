// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics
import Glibc
import TestSupport
import Testing

@Suite(
    "Device parameters: derived quantities against hand calculations, what is refused")
struct DeviceParameterTests {
    @Test("the default device has the fields, the barrier and the energies worked out by hand")
    func derived() {
        let device = DeviceParameters()
        #expect(abs(device.anisotropyField(volts: 0) - 0.1158) < 0.000_05)
        #expect(abs(device.anisotropyFieldPerVolt - 0.075_757_6) < 1e-6)
        #expect(abs(device.criticalVoltage - 1.529) < 0.001)
        let stability = device.thermalStability(biasFieldMicrotesla: 20_000, temperatureKelvin: 300)
        #expect(abs(stability - 36) < 0.5)
        #expect(abs(device.area - 2.827_433e-15) < 1e-20)
        #expect(abs(device.moment - 3.732_212e-18) < 1e-23)
        // 8.854e-12 · 9.7 · 2.827e-15 / 1.5e-9 F.
        #expect(abs(device.capacitance - 1.6189e-16) < 1e-19)
    }

    @Test(
        "a pulse takes tens of attojoules for the capacitance and tens of femtojoules for leakage")
    func energy() {
        var device = DeviceParameters()
        device.diameterNanometres = 70
        let point = OperatingPoint(
            amplitudeMillivolts: 1550, pulseWidthPicoseconds: 500, biasFieldMicrotesla: 20_000)
        #expect(abs(device.pulseEnergy(point) - 35.8e-15) < 0.5e-15)
    }

    /// A device with something impossible about it, and what is said of that.
    struct Refusal: Sendable {
        let device: DeviceParameters
        let message: String

        init(_ message: String, _ change: (inout DeviceParameters) -> Void) {
            var device = DeviceParameters()
            change(&device)
            self.device = device
            self.message = message
        }
    }

    private static let refusals = [
        Refusal("diameterNanometres 5.0 is outside 20.0 to 200.0") { $0.diameterNanometres = 5 },
        Refusal("damping -0.1 is outside 0.001 to 0.5") { $0.damping = -0.1 },
        Refusal("oxideNanometres nan is outside 0.5 to 3.0") { $0.oxideNanometres = .nan },
        Refusal("breakdownMillivolts inf is outside 100.0 to 5000.0") {
            $0.breakdownMillivolts = .infinity
        },
        Refusal("anisotropyFieldMillitesla -") { $0.anisotropyEnergy = 0.9e-3 },
    ]

    @Test(
        "what the model does not hold for is refused, with its name, value and limits",
        arguments: refusals)
    func refused(refusal: Refusal) {
        let error = #expect(throws: DeviceParameterError.self) { try refusal.device.validate() }
        #expect(error?.description.hasPrefix(refusal.message) == true)
    }

    @Test("the devices of the presets are valid", arguments: ArrayPreset.allCases)
    func presets(preset: ArrayPreset) throws {
        try preset.device.validate()
        #expect(preset.operatingPoint.amplitudeMillivolts < preset.device.breakdownMillivolts)
    }
}

@Suite(
    "Ornstein-Uhlenbeck process: mean, variance and correlation for any step")
struct OrnsteinUhlenbeckTests {
    @Test(
        "it has its deviation in the long run, and forgets with its time", .thorough,
        arguments: [0.1, 1, 30])
    func moments(step: Double) {
        let process = OrnsteinUhlenbeck(deviation: 0.01, seconds: 10)
        var random = SeededGenerator(50)
        var value = 0.0
        var values: [Double] = []
        for _ in 0..<200_000 {
            // The sum of 12 uniform numbers, near enough to normal for the second moments.
            let normal = (0..<12).reduce(-6) { sum, _ in
                sum + Double.random(in: 0..<1, using: &random)
            }
            value = process.value(after: step, from: value, normal: normal)
            values.append(value)
        }
        let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
        let lagged =
            zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
            / Double(values.count - 1)
        // Correlated values count for fewer: n·(1 − ρ)/(1 + ρ) of them, with ρ that of squares.
        let rho = exp(-2 * step / 10)
        let effective = Double(values.count) * (1 - rho) / (1 + rho)
        let deviation = (2 / effective).squareRoot()
        #expect(abs(variance / 1e-4 - 1) < zLimit * deviation)
        #expect(abs(lagged / 1e-4 - exp(-step / 10)) < zLimit * deviation)
        #expect(abs(variance / 1e-4 - 1.21) > zLimit * deviation || step < 1)
    }

    @Test("two half steps without noise are a whole one")
    func decay() {
        let process = OrnsteinUhlenbeck(deviation: 0.01, seconds: 10)
        let half = process.value(after: 5, from: 1, normal: 0)
        let whole = process.value(after: 10, from: 1, normal: 0)
        #expect(abs(process.value(after: 5, from: half, normal: 0) - whole) < 1e-15)
        #expect(abs(whole - exp(-1)) < 1e-15)
    }
}
