// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyServer
import EntropyTerms
import Glibc
import PlaneTestSupport
import TestSupport
import Testing

@Suite(
    "Samples from the daemon: their words and laws, origins, refusals, a daemon that goes, forks, blocks"
)
struct NoiseSourceTests {
    private static let ring = 1 << 20

    /// Lets `body` draw words of a generator with a fixed seed, enough for 100,000 samples of 64 bits.
    private func withSeededWords<Result>(_ body: (NoiseSource) throws -> Result) throws -> Result {
        var result: Result?
        try ServerRig.run(.init(ringBytes: Self.ring)) { rig in
            var random = SeededGenerator(13)
            rig.source.put((0..<Self.ring).map { _ in UInt8.random(in: 0...255, using: &random) })
            result = try body(NoiseSource(path: rig.path))
        }
        return try #require(result)
    }

    @Test("words are those of the daemon, in order, each used once")
    func words() throws {
        try ServerRig.run { rig in
            let bytes = try rig.filling {
                let source = try NoiseSource(path: rig.path)
                return try [1, 7, 512, 513, 40_000].flatMap { count in
                    var words = [UInt64](repeating: 0, count: count)
                    var span = words.mutableSpan
                    try source.fill(&span)
                    return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
                }
            }
            #expect(bytes == Array(TaggedStream.bytes(count: (bytes.count + 15) / 16 * 16).prefix(bytes.count)))
        }
    }

    /// √n times the largest distance of the empirical distribution from `law`; an ideal one exceeds 1.95 with
    /// probability 0.001.
    private func kolmogorovDistance(_ samples: [Double], from law: (Double) -> Double) -> Double {
        let count = Double(samples.count)
        let distances = samples.sorted().enumerated().map { index, sample in
            max(Double(index + 1) / count - law(sample), law(sample) - Double(index) / count)
        }
        return (distances.max() ?? 0) * count.squareRoot()
    }

    private func normalLaw(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }

    @Test("normal numbers are normal, and uniform ones are not")
    func laws() throws {
        let (floats, doubles, uniform) = try withSeededWords { source in
            var floats = [Float](repeating: 0, count: 100_000)
            try source.fillNormal(&floats, mean: 3, standardDeviation: 2)
            var doubles = [Double](repeating: 0, count: 20_000)
            var span = doubles.mutableSpan
            try source.fillNormal(&span)
            var uniform = [Float](repeating: 0, count: 20_000)
            try source.fillUniform(&uniform)
            return (floats.map { Double($0) }, doubles, uniform.map { Double($0) })
        }
        #expect(kolmogorovDistance(floats) { normalLaw(($0 - 3) / 2) } < 1.95)
        #expect(kolmogorovDistance(doubles, from: normalLaw) < 1.95)
        #expect(kolmogorovDistance(uniform) { $0 } < 1.95)
        #expect(kolmogorovDistance(uniform, from: normalLaw) > 1.95, "a law that is not theirs")
        #expect(uniform.allSatisfy { (0..<1).contains($0) })
    }

    @Test("Bernoulli draws are true as often as asked", arguments: [0, 0.001, 0.3, 0.5, 1])
    func bernoulli(probability: Double) throws {
        let count = 100_000
        let trues = try withSeededWords { source in
            var samples = [Bool](repeating: false, count: count)
            try source.fillBernoulli(&samples, probability: probability)
            return samples.count { $0 }
        }
        // 3.3 standard deviations: α = 0.001.
        let deviation = (Double(count) * probability * (1 - probability)).squareRoot()
        #expect(abs(Double(trues) - Double(count) * probability) <= 3.3 * deviation)
    }

    @Test("one number at a time, in the shape of a random source")
    func generator() throws {
        let numbers = try withSeededWords { source in
            var generator = NormalGenerator(source)
            return (0..<1000).map { _ in generator.nextNormal() } + generator.normalArray(1000)
                + [generator.nextNormal(mean: 5, stdev: 0)]
        }
        #expect(Set(numbers).count == 2001 && numbers.last == 5)
        #expect(kolmogorovDistance(numbers.dropLast(), from: normalLaw) < 1.95)
    }

    @Test("say where their bits come from; those that are not random are refused unless allowed")
    func truth() throws {
        try ServerRig.run(.init(provenances: [.simulated])) { rig in
            try rig.filling {
                var samples = [Float](repeating: 1, count: 1000)
                let refusing = try? NoiseSource(path: rig.path)
                let error = #expect(throws: SamplingError.self) {
                    let source = try refusing ?? NoiseSource(path: rig.path)
                    try source.fillNormal(&samples)
                }
                #expect(error?.reason == .notGenuine)
                #expect(error?.description.contains("simulated") == true)
                #expect(refusing == nil || samples.allSatisfy { $0 == 0 }, "nothing is left of what was refused")

                let source = try NoiseSource(path: rig.path, allowsSimulated: true)
                #expect(source.origin == nil)
                try source.fillNormal(&samples)
                #expect(source.origin?.provenance == .simulated)
                #expect(source.origin?.grade == .full)
                #expect(source.report.used == 4000)
            }
        }
    }

    @Test("are not made up: a daemon that is gone, nowhere or slow is an error")
    func failures() throws {
        var samples = [Float](repeating: 1, count: 1000)
        var gone: NoiseSource?
        try ServerRig.run { rig in
            gone = try NoiseSource(path: rig.path, reconnectSeconds: 0)
            let waiting = try NoiseSource(path: rig.path, waitSeconds: 0.01)
            let error = #expect(throws: SamplingError.self) { try waiting.fillNormal(&samples) }
            #expect(error?.reason == .unavailable)
            #expect(samples.allSatisfy { $0 == 0 })
        }
        let error = #expect(throws: SamplingError.self) { try gone?.fillNormal(&samples) }
        #expect(error?.reason == .disconnected || error?.reason == .unreachable)
        let nowhere = #expect(throws: SamplingError.self) { try NoiseSource(path: "/nowhere/e") }
        #expect(nowhere?.reason == .unreachable)
        #expect(nowhere?.description.contains("/nowhere/e") == true)
    }

    @Test("a mean, deviation or probability that cannot be is an error, and draws nothing")
    func invalid() throws {
        try withSeededWords { source in
            var samples = [Float](repeating: 1, count: 8)
            for (mean, deviation) in [(Float.nan, Float(1)), (0, -1), (0, .infinity)] {
                let error = #expect(throws: SamplingError.self) {
                    try source.fillNormal(&samples, mean: mean, standardDeviation: deviation)
                }
                #expect(error?.reason == .invalidArgument)
            }
            var flags = [Bool](repeating: true, count: 8)
            for probability in [-0.1, 1.1, .nan] {
                #expect(throws: SamplingError.self) { try source.fillBernoulli(&flags, probability: probability) }
            }
            #expect(source.report.used == 0)
            var nothing: [Float] = []
            try source.fillNormal(&nothing)
        }
    }

    @Test("of a forked child are not its parent's")
    func forked() async {
        await #expect(processExitsWith: .success) {
            try ServerRig.run { rig in
                let numbers = try rig.filling {
                    let source = try NoiseSource(path: rig.path)
                    let next = {
                        var word: InlineArray<1, UInt64> = [0]
                        var span = word.mutableSpan
                        try? source.fill(&span)
                        return word[0]
                    }
                    let before = (0..<3).map { _ in next() }
                    let ofChild = numbersInChild(3, next)
                    return before + ofChild + (0..<10).map { _ in next() }
                }
                precondition(numbers.count == 16 && Set(numbers).count == 16 && !numbers.contains(0))
            }
        }
    }

    @Test("blocks come one after another, and each iteration has its own")
    func blocks() async throws {
        let rig = try ServerRig()
        let filler = try RingFiller(rig.source, .full)
        var taken: [[UInt8]] = []
        for _ in 0..<2 {
            for try await block in EntropyBlocks(ofCount: 4096, path: rig.path).prefix(3) { taken.append(block) }
        }
        filler.stop()
        try rig.stop()
        let numbers = taken.flatMap { TaggedStream.numbers(in: $0) }
        #expect(taken.count == 6 && numbers.count == 6 * 256 && Set(numbers).count == numbers.count)
        #expect(Array(numbers[..<768]) == (0..<768).map { UInt64($0) })
    }

    @Test("a task that is cancelled stops waiting for its block")
    func cancelled() async throws {
        let rig = try ServerRig()
        let task = Task { [path = rig.path] in
            do {
                for try await _ in EntropyBlocks(ofCount: 4096, path: path) {}
                return nil as SamplingError?
            } catch {
                return error as? SamplingError
            }
        }
        // The server has it: it waits.
        // The test must not hold the thread that the task needs.
        for _ in 0..<100_000 where rig.server.clients.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        #expect(!rig.server.clients.isEmpty)
        task.cancel()
        #expect(await task.value?.reason == .interrupted)
        try rig.stop()
    }
}
