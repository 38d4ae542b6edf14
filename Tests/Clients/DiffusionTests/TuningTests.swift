// SPDX-License-Identifier: Apache-2.0

import Diffusion
import DiffusionTestSupport
import Foundation
import TestSupport
import Testing

@Suite("The weak point and the trims of an array")
struct TuningTests {
    @Test("Finds the width of a wanted flip probability", arguments: [0.002, 0.01, 0.05])
    func width(wanted: Double) throws {
        let array = TunableSoftwareArray(
            SoftwareArray.devices(512, flipProbability: 0.008, logarithmSpread: 0.3, seed: 1), seed: 2)
        let found = try WeakPointSearch(flipProbability: wanted).perform(on: array)
        #expect(abs(log(found / wanted)) <= 0.05)
        #expect(abs(log(array.flipProbability / wanted)) < 0.2)
        #expect(array.point.amplitudeMillivolts == 2_300)
    }

    @Test("Says so when no width reaches it, or the shortest pulse exceeds it")
    func none() {
        let slow = TunableSoftwareArray(
            [SoftwareArray.Device](repeating: .init(rise: 0.01, fall: 0.01), count: 256), largest: 0.004, seed: 1)
        #expect {
            try WeakPointSearch().perform(on: slow)
        } throws: { error in
            if case .noWeakPoint(wanted: 0.01, let seen)? = error as? DiffusionError {
                seen.upperBound < 0.006
            } else {
                false
            }
        }
        let fast = TunableSoftwareArray(
            [SoftwareArray.Device](repeating: .init(rise: 0.4, fall: 0.4), count: 256), widths: 120...10_000, seed: 1)
        #expect(throws: DiffusionError.self) { try WeakPointSearch(flipProbability: 0.0005).perform(on: fast) }
    }

    @Test("Makes the lanes alike, so that the array forgets sooner")
    func trims() throws {
        let array = TunableSoftwareArray(
            SoftwareArray.devices(512, flipProbability: 0.01, logarithmSpread: 0.72, seed: 3), seed: 4)
        array.set(PulsePoint(amplitudeMillivolts: 2_300, widthPicoseconds: 134, biasFieldMicrotesla: 0))
        func spread() -> Double {
            let logs = array.array.devices.map { log(($0.rise + $0.fall) / 2) }
            let mean = logs.reduce(0, +) / 512
            return (logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 512).squareRoot()
        }
        let before = spread()
        let remembered = ArrayLaw(array.array.devices, after: 300).correlation
        let trims = try LaneTrimming(rounds: 3, loads: 100).perform(on: array)
        #expect(trims.count == 512 && before > 0.6 && spread() < 0.2)
        #expect(ArrayLaw(array.array.devices, after: 300).correlation < remembered / 4)
    }

    @Test("A caller that wants no more ends both")
    func interrupted() {
        let array = TunableSoftwareArray(SoftwareArray.devices(64, flipProbability: 0.01), seed: 1)
        #expect(throws: DiffusionError.self) { try WeakPointSearch().perform(on: array) { done, _ in done < 2 } }
        #expect(throws: DiffusionError.self) { try LaneTrimming().perform(on: array) { done, _ in done < 2 } }
    }
}
