// SPDX-License-Identifier: Apache-2.0

public import EntropyClient
import Glibc
import LinuxPlatform

/// Random numbers for permutations, coins and noise. For one thread at a time.
public protocol RandomSource: AnyObject {
    /// Fills `words` with random bits.
    func fill(_ words: inout [UInt64]) throws(DiffusionError)

    /// Fills `samples` with independent normal numbers of mean 0 and variance 1.
    func fillNormal(_ samples: inout [Float]) throws(DiffusionError)
}

/// Random numbers of the daemon's `full` bits.
///
/// A wait for bits can be ended: `isInterrupted` is asked several times a second. After a minute without bits a call
/// throws.
public final class EntropySource: RandomSource {
    /// Words and numbers of one request to the noise source: what an interrupted wait may lose.
    private static let piece = 1 << 14
    /// The rest between two attempts when there are no bits, in microseconds.
    private static let rest: UInt32 = 50_000

    private let noise: NoiseSource
    private let isInterrupted: () -> Bool

    /// How long a call waits for bits, in nanoseconds.
    private static let patience: UInt64 = 60_000_000_000

    /// Words that were drawn ahead, the next one last.
    private var ahead: [UInt64] = []

    /// Time spent waiting for the daemon, in nanoseconds.
    public private(set) var waitedNanoseconds: UInt64 = 0

    /// Connects to the daemon.
    ///
    /// - Parameters:
    ///   - path: of the daemon's entropy socket; nil for METRNG_SOCKET of the environment, or metrngd's usual one.
    ///   - allowsSimulated: whether bits that are not random (simulated or replayed) are accepted.
    ///   - isInterrupted: whether the caller wants no more; a call then throws `interrupted`.
    public init(
        path: String? = nil, allowsSimulated: Bool = false, isInterrupted: @escaping () -> Bool = { false }
    ) throws(SamplingError) {
        noise = try NoiseSource(path: path, allowsSimulated: allowsSimulated, waitSeconds: 0.25)
        self.isInterrupted = isInterrupted
    }

    /// The origin of the bits of the last call; nil before the first.
    public var origin: NoiseSource.Origin? { noise.origin }

    /// Draws words ahead, which later calls of `fill` get first: before a lease that leaves the board too few lanes to
    /// give bits.
    public func drawAhead(words count: Int) throws(DiffusionError) {
        var words = [UInt64](repeating: 0, count: count)
        try draw(&words)
        ahead = words + ahead
    }

    /// Fills `words` with random bits.
    public func fill(_ words: inout [UInt64]) throws(DiffusionError) {
        let kept = min(ahead.count, words.count)
        for index in 0..<kept { words[index] = ahead.removeLast() }
        guard kept < words.count else { return }
        var rest = [UInt64](repeating: 0, count: words.count - kept)
        try draw(&rest)
        words.replaceSubrange(kept..., with: rest)
    }

    private func draw(_ words: inout [UInt64]) throws(DiffusionError) {
        try inPieces(&words, 0) { (piece) throws(SamplingError) in try noise.fill(&piece) }
    }

    /// Fills `samples` with independent normal numbers of mean 0 and variance 1.
    public func fillNormal(_ samples: inout [Float]) throws(DiffusionError) {
        try inPieces(&samples, 0) { (piece) throws(SamplingError) in try noise.fillNormal(&piece) }
    }

    private func inPieces<Sample>(
        _ samples: inout [Sample], _ zero: Sample, _ fill: (inout MutableSpan<Sample>) throws(SamplingError) -> Void
    ) throws(DiffusionError) {
        for start in stride(from: 0, to: samples.count, by: Self.piece) {
            var piece = Array(repeating: zero, count: min(Self.piece, samples.count - start))
            try waiting { () throws(SamplingError) in
                var span = piece.mutableSpan
                try fill(&span)
            }
            samples.replaceSubrange(start..<start + piece.count, with: piece)
        }
    }

    /// Calls `fill` until there are bits, as long as the caller wants them and there is hope.
    private func waiting(_ fill: () throws(SamplingError) -> Void) throws(DiffusionError) {
        let begin = monotonicNanoseconds()
        defer { waitedNanoseconds += monotonicNanoseconds() - begin }
        while true {
            do throws(SamplingError) {
                return try fill()
            } catch {
                guard error.reason == .unavailable, monotonicNanoseconds() - begin < Self.patience else {
                    throw .bits(error)
                }
                guard !isInterrupted() else { throw .interrupted }
                usleep(Self.rest)
            }
        }
    }
}
