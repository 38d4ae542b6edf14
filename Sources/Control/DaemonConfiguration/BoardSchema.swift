// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import DevicePhysics

extension BoardSettings {
    static let fields: [Field<BoardSettings>] = [
        .value("name", \.name, .name(limit: 32)),
        .value("kind", \.kind, .choice),
        .value("lanes", \.lanes, .multiple(of: 64, 64...4096)),
        .value("seed", \.seed, .seed),
        .value("shotsPerFrame", \.shotsPerFrame, .integer(1...4096)),
        .value("shotsPerSecond", \.shotsPerSecond, .number(1...1e9)),
        .value("path", \.path, .optionalPath),
        .value("patienceSeconds", \.patienceSeconds, .number(0.1...1e9)),
        .section(
            "usb",
            [
                .value("serial", \.usb.serial, .printable(limit: 126)),
                .value("place", \.usb.place, .optionalPlace),
                .value("identifiers", \.usb.identifiers, .identifiers),
                .value("simulated", \.usb.simulated, .boolean),
            ]),
        .value("xorFold", \.xorFold, .oneOf([1, 2, 4])),
        .section(
            "trim",
            [
                .value("hold", \.trim.hold, .boolean),
                .value("driftDeviation", \.trim.driftDeviation, .number(1e-6...0.5)),
                .value("driftSeconds", \.trim.driftSeconds, .number(0.001...1e9)),
            ]),
        .section(
            "operatingPoint",
            [
                .value(
                    "amplitudeMillivolts", \.operatingPoint.amplitudeMillivolts,
                    .presetOr(0...5000)),
                .value(
                    "pulseWidthPicoseconds", \.operatingPoint.pulseWidthPicoseconds,
                    .presetOr(0...100_000)),
                .value(
                    "biasFieldMicrotesla", \.operatingPoint.biasFieldMicrotesla,
                    .presetOr(1000...100_000)),
            ]),
        .section("array", arrayFields),
        .value("faults", \.faults, .faults),
    ]

    private static let arrayFields: [Field<BoardSettings>] = [
        .value("preset", \.array.preset, .choice),
        .value(
            "temperatureKelvin", \.array.temperatureKelvin,
            .number(Fault.temperatures)),
        .section("device", deviceFields),
        .section(
            "spread",
            [
                .value("diameter", \.array.spread.diameter, .number(0...0.2)),
                .value("anisotropy", \.array.spread.anisotropyEnergy, .number(0...0.05)),
                .value("resistanceArea", \.array.spread.resistanceArea, .number(0...0.15)),
                .value(
                    "strayFieldMicrotesla", \.array.spread.strayFieldMicrotesla,
                    .number(0...5000)),
            ]),
        .value("deadDeviceFraction", \.array.spread.deadDeviceFraction, .number(0...1)),
        .section(
            "drift",
            [
                .value("deviation", \.array.drift.deviation, .number(0...0.5)),
                .value("seconds", \.array.drift.seconds, .number(0.001...1e9)),
            ]),
        .section(
            "memory",
            [
                .value("amplitude", \.array.memory.amplitude, .number(0...0.5)),
                .value("microseconds", \.array.memory.microseconds, .number(0.1...100)),
            ]),
        .value("readErrorRate", \.array.readErrorRate, .number(0...0.1)),
        .value("commonModeAmplitude", \.array.commonModeAmplitude, .number(0...0.5)),
    ]

    private static let deviceFields: [Field<BoardSettings>] = [
        .value("diameterNanometres", \.array.device.diameterNanometres, .number(20...200)),
        .value("freeLayerNanometres", \.array.device.freeLayerNanometres, .number(0.5...3)),
        .value("oxideNanometres", \.array.device.oxideNanometres, .number(0.5...3)),
        .value(
            "magnetisationKiloamperesPerMetre", \.array.device.magnetisationKiloamperesPerMetre,
            .number(100...2000)),
        .value(
            "anisotropyMillijoulesPerSquareMetre",
            \.array.device.anisotropyMillijoulesPerSquareMetre, .number(0.1...5)),
        .value(
            "vcmaFemtojoulesPerVoltMetre", \.array.device.vcmaFemtojoulesPerVoltMetre,
            .number(1...1000)),
        .value(
            "resistanceAreaOhmSquareMicrometres",
            \.array.device.resistanceAreaOhmSquareMicrometres, .number(1...10_000)),
        .value(
            "tunnelMagnetoresistance", \.array.device.tunnelMagnetoresistance, .number(0.05...10)),
        .value("breakdownMillivolts", \.array.device.breakdownMillivolts, .number(100...5000)),
    ]
}
