// SPDX-License-Identifier: Apache-2.0
//
// Measures denoisers: the time of a sampling run's predictions, without the sampler, with random inputs.
//
// usage: network-benchmark MODEL IMAGES [STEPS [THREADS]]      with guidance: two predictions a step

import DenoisingNetworks
import Diffusion
import LinuxPlatform

@main
struct Networks {
    static func main() throws {
        let arguments = processArguments
        guard (2...4).contains(arguments.count), let count = Int(arguments[1]), count > 0 else {
            print("usage: network-benchmark MODEL IMAGES [STEPS [THREADS]]")
            return
        }
        let steps = arguments.count > 2 ? Int(arguments[2]) ?? 50 : 50
        let threads = arguments.count > 3 ? Int(arguments[3]) ?? 2 : 2
        let denoiser = try NetworkDenoiser(path: arguments[0], threads: threads)
        var generator = SystemRandomNumberGenerator()
        let noisy = (0..<count * denoiser.shape.pixels).map { _ in Float.random(in: -2...2, using: &generator) }
        var clean = noisy
        let labels: [Int?] = (0..<count).map { $0 % 10 }
        let none = [Int?](repeating: nil, count: count)
        let duration = ContinuousClock().measure {
            for step in 0..<steps {
                let share = (Double(step) + 0.5) / Double(steps)
                denoiser.predict(noisy: noisy, signalShare: share, labels: labels, into: &clean)
                denoiser.predict(noisy: noisy, signalShare: share, labels: none, into: &clean)
            }
        }
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
        print(
            "\(denoiser.description.architecture): \(count) images, \(steps) steps, \(threads) threads:",
            terminator: " ")
        print("\(seconds) s, \(Double(count) / seconds) images/s")
    }
}
