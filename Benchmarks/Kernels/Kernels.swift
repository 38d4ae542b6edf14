// SPDX-License-Identifier: Apache-2.0
//
// Measures the kernels of the hot path, each against its reference or its portable path, and prints a
// table. GB/s are of raw bits, or of output for hashing, in a second of one core. Figures to be quoted are the ratios.

import CChecksum
import CEntropyKernels
import CKernelSupport
import CSimulationKernels
import LaneHealth
import LaneHealthReference
import SystemCrypto

@main
struct Kernels {
    static func main() {
        let here = ck_features_here()
        let bench = Bench()
        print(Pair.header)
        for pair in [
            Pair(measured: bench.laneHealth(here), against: bench.naiveHealth, goal: ">= 100"),
            Pair(
                measured: bench.laneHealth(here), against: bench.laneHealth(ck_features(0)),
                goal: ""),
            Pair(
                measured: bench.arrayHealth(here), against: bench.arrayHealth(ck_features(0)),
                goal: ""),
            Pair(
                measured: bench.sampler(here), against: bench.sampler(ck_features(0)),
                goal: ">= 1 GB/s, >= 0.4 GB/s"),
            Pair(
                measured: bench.sampler(here), against: bench.sampler(here, memory: true),
                goal: ""),
            Pair(measured: bench.sha256(here), against: bench.libcrypto, goal: ""),
            Pair(measured: bench.crc(here), against: bench.crc(ck_features(0)), goal: ""),
            Pair(
                measured: bench.compaction(here), against: bench.compaction(ck_features(0)),
                goal: ""),
        ] {
            print(pair.run())
        }
    }
}

/// The tasks, over windows of 512 lanes of ideal bits.
private final class Bench {
    private static let lanes = 512
    private static let windowBytes = HealthCutoffs.windowShots * lanes / 8
    private static let messageBytes = 50

    private let cutoffs = HealthCutoffs(claimedEntropyPerBit: 0.8)
    private let rows: [UInt64]
    /// Enough that what is done for a window's rare runs has its share, and few enough for the second-level cache.
    private static let windowCount = 16
    private let windows: [[UInt64]]
    private let memory: UnsafeMutableRawBufferPointer

    init() {
        var generator = SystemRandomNumberGenerator()
        windows = (0..<Self.windowCount).map { _ in (0..<Self.windowBytes / 8).map { _ in generator.next() } }
        rows = windows[0]
        memory = .allocate(
            byteCount: HealthWindow.byteCount(lanes: Self.lanes, cutoffs: cutoffs), alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { memory.deallocate() }

    /// Taking a window in, the tests of every lane, and making room for the next.
    func laneHealth(_ features: ck_features) -> Task {
        let window = window(features)
        var turn = 0
        return Task(name: "lane health\(suffix(features))", bytes: Self.windowBytes) { [windows] in
            turn = (turn + 1) % windows.count
            _ = windows[turn].withUnsafeBytes { window.append($0) }
            window.test()
            window.advance()
        }
    }

    /// The same, and the comparison of the lanes with one another and of the rows with those before.
    func arrayHealth(_ features: ck_features) -> Task {
        let window = window(features)
        let lanes = [UInt64](repeating: .max, count: Self.lanes / 64)
        var turn = 0
        return Task(name: "lane and array health\(suffix(features))", bytes: Self.windowBytes) { [windows] in
            turn = (turn + 1) % windows.count
            _ = windows[turn].withUnsafeBytes { window.append($0) }
            window.test()
            window.compare(lanes: lanes)
            window.advance()
        }
    }

    private func window(_ features: ck_features) -> HealthWindow {
        var random = SystemRandomNumberGenerator()
        return HealthWindow(
            lanes: Self.lanes, cutoffs: cutoffs, memory: memory, features: features, random: &random)
    }

    var naiveHealth: Task {
        var reference = BoardReference(lanes: Self.lanes, cutoffs: ReferenceCutoffs(cutoffs))
        return Task(name: "naive reference, bit by bit", bytes: Self.windowBytes) { [rows] in
            _ = reference.test(rows)
        }
    }

    /// Devices with any probabilities, by themselves or with a memory.
    func sampler(_ features: ck_features, memory: Bool = false) -> Task {
        let chain = UnsafeMutablePointer<ck_chain_strip>.allocate(capacity: 1)
        chain.initialize(to: ck_chain_strip())
        let memories = UnsafeMutablePointer<ck_memory_strip>.allocate(capacity: 1)
        memories.initialize(to: ck_memory_strip())
        for bytes in [
            UnsafeMutableRawBufferPointer(start: chain, count: MemoryLayout<ck_chain_strip>.size),
            UnsafeMutableRawBufferPointer(
                start: memories, count: MemoryLayout<ck_memory_strip>.size),
        ] {
            bytes.copyBytes(from: rows.asBytes.prefix(bytes.count))
        }
        let generator = UnsafeMutablePointer<ck_generator>.allocate(capacity: 1)
        withUnsafeMutableBytes(of: &generator.pointee) {
            $0.copyBytes(from: rows.asBytes.prefix($0.count))
        }
        let out = UnsafeMutablePointer<UInt64>.allocate(capacity: Self.windowBytes / 8)
        let name = "lane sampling\(memory ? ", with memory" : "")\(suffix(features))"
        return Task(name: name, bytes: Self.windowBytes) {
            ck_sample_lanes(
                features, generator, chain, memory ? memories : nil, memory ? 2 : 0, 8,
                HealthCutoffs.windowShots, true, out)
        }
    }

    func sha256(_ features: ck_features) -> Task {
        let count = Self.windowBytes / Self.messageBytes
        let out = UnsafeMutablePointer<UInt8>.allocate(capacity: count * 32)
        return Task(name: "SHA-256, 50 to 32 bytes", bytes: count * 32) { [rows] in
            rows.withUnsafeBytes {
                ck_sha256_batch(
                    features, $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    Self.messageBytes, count, out)
            }
        }
    }

    var libcrypto: Task {
        let count = Self.windowBytes / Self.messageBytes
        let digest = UnsafeMutablePointer<UInt8>.allocate(capacity: LibrarySHA256.digestBytes)
        return Task(name: "libcrypto, a call a message", bytes: count * 32) { [rows] in
            rows.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: count * Self.messageBytes, by: Self.messageBytes) {
                    let message = UnsafeRawBufferPointer(
                        rebasing: bytes[start..<start + Self.messageBytes])
                    LibrarySHA256.hash(message, into: digest)
                }
            }
        }
    }

    func crc(_ features: ck_features) -> Task {
        Task(name: "CRC-32C\(suffix(features))", bytes: Self.windowBytes) { [rows] in
            rows.withUnsafeBytes {
                blackHole(
                    ck_crc32c(
                        features, 0, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count))
            }
        }
    }

    /// With one lane masked, so that rows cannot simply be copied.
    func compaction(_ features: ck_features) -> Task {
        let mask = [UInt64](repeating: ~0, count: 7) + [~1]
        let out = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.windowBytes + 8)
        return Task(name: "compaction\(suffix(features))", bytes: Self.windowBytes) { [rows] in
            blackHole(
                ck_compact_rows(features, rows, 8, 8, HealthCutoffs.windowShots, mask, out))
        }
    }

    private func suffix(_ features: ck_features) -> String {
        features == ck_features(0) ? ", portable" : ""
    }
}

extension Array where Element == UInt64 {
    fileprivate var asBytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

/// Keeps a result that nobody needs from being optimised away.
@inline(never)
private func blackHole<Value>(_ value: Value) {}
