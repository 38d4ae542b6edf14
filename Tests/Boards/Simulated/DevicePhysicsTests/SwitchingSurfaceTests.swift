// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics
import TestSupport
import Testing

private let shots = 4096

/// The probability that level 1 gives from a state, from `shots` shots.
private func level1(
    _ device: DeviceParameters, _ point: OperatingPoint, field: Double = 0,
    temperature: Double = 300,
    from start: DeviceState = .down, seed: UInt64
) -> Double {
    Macrospin(
        device: device, biasFieldMicrotesla: point.biasFieldMicrotesla,
        easyAxisFieldMicrotesla: field, temperatureKelvin: temperature
    ).switchingProbabilities(
        amplitudeMillivolts: point.amplitudeMillivolts, widths: [point.pulseWidthPicoseconds],
        from: start, shots: shots, seed: seed)[0]
}

/// The standard deviation of a share of `shots` shots.
private func deviation(_ probability: Double) -> Double {
    (max(probability * (1 - probability), 0.002) / Double(shots)).squareRoot()
}

@Suite(
    "Switching surfaces: level 2 against new shots of level 1, its edges and its file")
struct SwitchingSurfaceTests {
    /// The difference may be 0.02, and 4.5 deviations of the shots it is measured with.
    @Test(
        "points of the grid agree with new shots of level 1 within 0.02", .thorough,
        arguments: ArrayPreset.allCases)
    func grid(preset: ArrayPreset) {
        let comparison = preset.surface.compare(
            points: 500, preset: preset, shots: shots, seed: 70)
        #expect(comparison.points >= 500)
        #expect(comparison.largest < 0.02 + zLimit * deviation(0.5))
        // The root mean square holds the surface closer: it is that of both numbers of shots.
        let spread =
            0.5
            * (1 / Double(shots) + 1 / Double(preset.surface.provenance.shots))
            .squareRoot()
        #expect(comparison.rootMeanSquare < 1.1 * spread, "\(comparison)")
    }

    @Test("a surface of another preset does not agree")
    func otherPreset() {
        let comparison = ArrayPreset.damped.surface.compare(
            points: 100, preset: .quarterPeriod, shots: 512, seed: 71)
        #expect(comparison.largest > 0.2)
    }

    @Test("the same seed gives the same surface, and a file keeps it")
    func reproducible() throws {
        let preset = ArrayPreset.quarterPeriod
        let surface = preset.surface
        #expect(try SwitchingSurface(file: surface.file(of: preset)) == surface)
        #expect(surface.provenance.preset == preset.rawValue)
        let place = SwitchingSurface.Place(
            anisotropyFieldMicrotesla: 10_000, restingAnisotropyFieldMicrotesla: 120_000,
            pulseWidthPicoseconds: 400, temperatureKelvin: 280, easyAxisFieldMicrotesla: 0)
        let chain = surface.chain(at: place)
        #expect(chain.p01 == chain.p10)
    }

    @Test("outside the grid is the value at its edge")
    func edges() {
        let surface = ArrayPreset.quarterPeriod.surface
        func chain(_ microtesla: Double, _ picoseconds: Double, _ kelvin: Double, _ field: Double)
            -> SwitchingChain
        {
            surface.chain(
                at: SwitchingSurface.Place(
                    anisotropyFieldMicrotesla: microtesla, restingAnisotropyFieldMicrotesla: 115_000,
                    pulseWidthPicoseconds: picoseconds, temperatureKelvin: kelvin,
                    easyAxisFieldMicrotesla: field))
        }
        #expect(chain(1e6, 400, 300, 0) == chain(55_000, 400, 300, 0))
        #expect(chain(-1e6, 400, 300, 0) == chain(-60_000, 400, 300, 0))
        #expect(chain(10_000, 1e6, 300, 0) == chain(10_000, 9000, 300, 0))
        #expect(chain(10_000, 400, 4, 0) == chain(10_000, 400, 200, 0))
        #expect(chain(10_000, 400, 300, 1e5) == chain(10_000, 400, 300, 3000))
        #expect(chain(10_000, 400, 300, 1000).p01 == chain(10_000, 400, 300, -1000).p10)
    }

    @Test(
        "a damaged file is refused by name",
        arguments: [
            ("metrng switching surface 1", "metrng switching surface 2", "version 1"),
            ("shots: ", "shuts: ", "shots"),
            ("widthsPicoseconds: 0.0", "widthsPicoseconds: x", "widths"),
            ("seed: 1", "seed: 1\n\n", "anisotropyFields"),
        ])
    func damaged(text: String, replacement: String, message: String) throws {
        let preset = ArrayPreset.damped
        let file = preset.surface.file(of: preset)
        let at = try #require(
            (0..<file.count - text.utf8.count).first { file[$0...].starts(with: text.utf8) })
        let damaged = file[..<at] + Array(replacement.utf8) + file[(at + text.utf8.count)...]
        let error = #expect(throws: SurfaceFileError.self) {
            try SwitchingSurface(file: Array(damaged))
        }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test("a file that is cut short or goes on is refused", arguments: [-1, 1])
    func size(difference: Int) {
        let preset = ArrayPreset.damped
        var file = preset.surface.file(of: preset)
        if difference < 0 { file.removeLast() } else { file.append(0) }
        let error = #expect(throws: SurfaceFileError.self) { try SwitchingSurface(file: file) }
        #expect(error?.description.contains("bytes of values") == true)
    }
}

@Suite(
    "Devices on a surface: level 3, other devices and bias fields against level 1; drift, trim")
struct ArrayDeviceTests {
    /// A device and an operating point that are not those of the preset.
    struct Variation: Sendable {
        var diameter = 60.0
        var anisotropy = 1.04e-3
        var freeLayer = 1.1
        var bias = 20_000.0
        var field = 0.0
        var kelvin = 300.0
        var width = 460.0

        var device: DeviceParameters {
            var device = DeviceParameters()
            device.diameterNanometres = diameter
            device.anisotropyEnergy = anisotropy
            device.freeLayerNanometres = freeLayer
            return device
        }
    }

    private static let variations = [
        Variation(), Variation(diameter: 66), Variation(diameter: 57, width: 500),
        Variation(anisotropy: 1.0426e-3), Variation(anisotropy: 1.037e-3, width: 420),
        Variation(diameter: 63, kelvin: 340), Variation(freeLayer: 1.103),
        Variation(bias: 21_000), Variation(bias: 19_000, width: 490), Variation(field: 1500),
        Variation(diameter: 58, anisotropy: 1.043e-3, bias: 20_500, field: -800, kelvin: 280),
    ]

    /// Interpolation between points of the grid, and what the mapping leaves out, are worth up to
    /// 0.04 here, where the probability is steep in width and amplitude.
    @Test("a device maps to the nominal one", arguments: variations.indices)
    func mapping(index: Int) {
        let variation = Self.variations[index]
        let point = OperatingPoint(
            amplitudeMillivolts: 1230, pulseWidthPicoseconds: variation.width,
            biasFieldMicrotesla: variation.bias)
        let chain = ArrayDevice(
            preset: .quarterPeriod, parameters: variation.device,
            strayFieldMicrotesla: variation.field, isDead: false
        ).chain(at: point, trim: 0, temperatureKelvin: variation.kelvin, drift: 0)
        for (start, probability) in [(DeviceState.down, chain.p01), (.up, chain.p10)] {
            let share = level1(
                variation.device, point, field: variation.field, temperature: variation.kelvin,
                from: start, seed: UInt64(72 + index))
            #expect(
                abs(share - probability) < 0.04 + 3.5 * deviation(share),
                "\(variation) from \(start): level 1 \(share), chain \(probability)")
        }
    }

    @Test("without the mapping a device with ¼ % more anisotropy would be far off")
    func unmapped() {
        let preset = ArrayPreset.quarterPeriod
        let share = level1(Self.variations[3].device, preset.operatingPoint, seed: 90)
        let nominal = ArrayDevice(
            preset: preset, parameters: preset.device, strayFieldMicrotesla: 0, isDead: false
        ).chain(at: preset.operatingPoint, trim: 0, temperatureKelvin: 300, drift: 0)
        #expect(abs(share - nominal.p01) > 0.04 + 3.5 * deviation(share))
    }

    @Test("drift moves ½ by itself and rare switching by a part of it; the dead stay dead")
    func drift() {
        let preset = ArrayPreset.quarterPeriod
        func device(isDead: Bool) -> ArrayDevice {
            ArrayDevice(
                preset: preset, parameters: preset.device, strayFieldMicrotesla: 200, isDead: isDead
            )
        }
        func chain(_ drift: Double, at point: OperatingPoint, isDead: Bool = false) -> SwitchingChain {
            device(isDead: isDead).chain(at: point, trim: 0, temperatureKelvin: 300, drift: drift)
        }
        let still = chain(0, at: preset.operatingPoint)
        #expect(abs(still.p01 - 0.5) < 0.1, "the drift is nearly that of a half")
        #expect(abs(chain(0.01, at: preset.operatingPoint).p01 - still.p01 - 0.01) < 0.0005)
        #expect(abs(chain(0.01, at: preset.operatingPoint).p10 - still.p10 - 0.01) < 0.0005)
        for weak in [preset.weakPoint, preset.operatingPoint] {
            let (less, more) = (chain(-0.3, at: weak), chain(0.3, at: weak))
            for (low, high) in [(less.p01, more.p01), (less.p10, more.p10)] {
                #expect(0 < low && low < high && high < 1)
            }
        }
        // To 1 + 4·0.01 of itself, where a sum would have doubled it.
        let (rare, drifted) = (chain(0, at: preset.weakPoint), chain(0.01, at: preset.weakPoint))
        #expect(abs(drifted.p01 / rare.p01 - 1.04) < 0.002)
        #expect(chain(0.01, at: preset.operatingPoint, isDead: true) == .dead)
        let resistances = [-0.01, 0, 0.01].map { device(isDead: false).resistanceOhms(drift: $0) }
        #expect(resistances[0] < resistances[1] && resistances[1] < resistances[2])
        // 130 Ω·µm² over a disc of 60 nm, and 0.6 of it more on average.
        #expect(abs(resistances[1] - 130 / 0.002_827_433 * 1.6) < 1)
    }

    @Test("a step of trim is worth about 2.5e-5", arguments: ArrayPreset.allCases)
    func trim(preset: ArrayPreset) {
        let device = ArrayDevice(
            preset: preset, parameters: preset.device, strayFieldMicrotesla: 0, isDead: false)
        let steps: Int16 = 1000
        let chains = [-steps, steps].map {
            device.chain(at: preset.operatingPoint, trim: $0, temperatureKelvin: 300, drift: 0)
        }
        func share(_ chain: SwitchingChain) -> Double {
            preset.isToggleEncoded ? chain.switchingProbability : chain.stationaryProbability
        }
        let worth = (share(chains[1]) - share(chains[0])) / Double(2 * steps)
        #expect((1.2e-5...5e-5).contains(worth), "\(worth)")
    }
}
