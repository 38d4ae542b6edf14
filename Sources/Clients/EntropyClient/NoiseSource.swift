// SPDX-License-Identifier: Apache-2.0

import CMetrng
public import EntropyTerms

/// Samples made of the daemon's bits: normal and uniform numbers, Bernoulli draws, words.
///
/// Words are read ahead, first 4 KiB and then up to two requests of 256 KiB, so that a fill rarely waits. Every bit is
/// used once, by one client. After a restart of the daemon a call connects again. A forked child begins without words
/// of its parent, and connects by itself.
///
/// Any thread may use a source; calls wait for each other, and a source for each thread is faster. Calls block. After
/// an error the samples that were asked for are zeros, and are not to be used.
///
/// ```swift
/// let noise = try NoiseSource()
/// var latents = [Float](repeating: 0, count: 4 * 64 * 64)
/// try noise.fillNormal(&latents)
/// ```
public final class NoiseSource: @unchecked Sendable {
    /// The origin of the bits of a call.
    public struct Origin: Equatable, Sendable {
        /// Where the bits come from; where some of them are not genuine, where those come from.
        public let provenance: Provenance
        /// How they were processed.
        public let grade: Grade
        /// The daemon's health epochs of the first and the last bit.
        public let firstHealthEpoch, lastHealthEpoch: UInt32
    }

    /// What a source did since it was made, or since the fork in a child. In bytes.
    public struct Report: Equatable, Sendable {
        /// Consumed by calls.
        public let used: UInt64
        /// Requested and lost: connections that broke, failed calls.
        public let discarded: UInt64
        /// Received, and not used yet.
        public let atHand: UInt64
    }

    /// Locks itself in every call, and is closed when nobody can call any more.
    private let session: OpaquePointer

    /// Connects to the daemon.
    ///
    /// - Parameters:
    ///   - path: of the daemon's entropy socket; nil for METRNG_SOCKET of the environment, or metrngd's usual one.
    ///   - grade: of all bits; `expand` is not offered.
    ///   - allowsSimulated: whether bits that are not random (simulated or replayed) are accepted.
    ///   - reconnectSeconds: for how long a call tries to reach a daemon again that has gone.
    ///   - waitSeconds: for how long a call waits for bits; nil for ever.
    public convenience init(
        path: String? = nil, grade: Grade = .full, allowsSimulated: Bool = false, reconnectSeconds: Double = 10,
        waitSeconds: Double? = nil
    ) throws(SamplingError) {
        var options = Self.defaultOptions
        options.reconnect_seconds = reconnectSeconds
        options.wait_seconds = waitSeconds ?? -1
        try self.init(options, path: path, grade: grade, allowsSimulated: allowsSimulated)
    }

    init(
        _ options: metrng_options, path: String?, grade: Grade, allowsSimulated: Bool
    ) throws(SamplingError) {
        var options = options
        options.grade = metrng_grade(UInt32(grade.rawValue))
        options.allow_simulated = allowsSimulated ? 1 : 0
        var session: OpaquePointer?
        let status = "Swift".withCString { client in
            options.client = client
            guard let path else { return metrng_open(&session, &options) }
            return path.withCString {
                options.path = $0
                return metrng_open(&session, &options)
            }
        }
        try SamplingError.check(status)
        guard let session else { preconditionFailure("a session was opened") }
        self.session = session
    }

    deinit { metrng_close(session) }

    /// Those of METRNG_OPTIONS_INIT, which Swift does not see.
    static var defaultOptions: metrng_options {
        metrng_options(
            size: MemoryLayout<metrng_options>.size, path: nil, grade: METRNG_FULL, allow_simulated: 0,
            reconnect_seconds: 10, wait_seconds: -1, client: nil, record_descriptor: -1, interrupted: nil, context: nil)
    }

    // MARK: Truth

    /// The origin of the bits of the last call, by any thread, that took bits and succeeded; nil before the first.
    public var origin: Origin? {
        var origin = metrng_origin()
        guard metrng_get_origin(session, &origin) == METRNG_OK else { return nil }
        return Provenance(rawValue: UInt8(truncatingIfNeeded: origin.provenance.rawValue)).flatMap { provenance in
            Grade(rawValue: UInt8(truncatingIfNeeded: origin.grade.rawValue)).map {
                Origin(
                    provenance: provenance, grade: $0, firstHealthEpoch: origin.first_epoch,
                    lastHealthEpoch: origin.last_epoch)
            }
        }
    }

    /// What the source did so far.
    public var report: Report {
        var report = metrng_report()
        let status = metrng_get_report(session, &report, MemoryLayout<metrng_report>.size)
        precondition(status == METRNG_OK)
        return Report(used: report.bytes_used, discarded: report.bytes_discarded, atHand: report.bytes_at_hand)
    }

    // MARK: Fills

    /// Fills `samples` with independent normal numbers. Half a 64-bit word goes into each `Float`, of which the largest
    /// are 7.5 standard deviations from the mean.
    ///
    /// - Parameters:
    ///   - samples: receives the numbers.
    ///   - mean: finite.
    ///   - standardDeviation: finite, and 0 or more.
    public func fillNormal(
        _ samples: inout MutableSpan<Float>, mean: Float = 0, standardDeviation: Float = 1
    ) throws(SamplingError) {
        try fill(&samples) { metrng_normal_float(session, $0, $1, mean, standardDeviation) }
    }

    /// The same with a word for each, up to 9.4 standard deviations from the mean.
    public func fillNormal(
        _ samples: inout MutableSpan<Double>, mean: Double = 0, standardDeviation: Double = 1
    ) throws(SamplingError) {
        try fill(&samples) { metrng_normal_double(session, $0, $1, mean, standardDeviation) }
    }

    /// Fills `samples` with independent multiples of 2^−24 in 0..<1.
    public func fillUniform(_ samples: inout MutableSpan<Float>) throws(SamplingError) {
        try fill(&samples) { metrng_uniform_float(session, $0, $1) }
    }

    /// Fills `samples` with independent multiples of 2^−53 in 0..<1.
    public func fillUniform(_ samples: inout MutableSpan<Double>) throws(SamplingError) {
        try fill(&samples) { metrng_uniform_double(session, $0, $1) }
    }

    /// Fills `samples` with independent values that are true with a probability in 0...1, exact to 2^−64.
    public func fillBernoulli(
        _ samples: inout MutableSpan<Bool>, probability: Double
    ) throws(SamplingError) {
        try fill(&samples) { (start, count) in
            start.withMemoryRebound(to: UInt8.self, capacity: count) {
                metrng_bernoulli_bytes(session, $0, count, probability, METRNG_FAST)
            }
        }
    }

    /// Fills `words` with random bits.
    public func fill(_ words: inout MutableSpan<UInt64>) throws(SamplingError) {
        try fill(&words) { metrng_words(session, $0, $1) }
    }

    /// Fills `bytes` with random bits. Of the last eight, those that are not wanted are discarded.
    public func fill(_ bytes: inout MutableSpan<UInt8>) throws(SamplingError) {
        try fill(&bytes) { metrng_read(session, $0, $1) }
    }

    private func fill<Sample>(
        _ samples: inout MutableSpan<Sample>, _ body: (UnsafeMutablePointer<Sample>, Int) -> metrng_status
    ) throws(SamplingError) {
        let status = samples.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { body($0, buffer.count) } ?? METRNG_OK
        }
        try SamplingError.check(status)
    }
}

// MARK: Arrays

extension NoiseSource {
    /// Fills an array with independent normal numbers.
    public func fillNormal(
        _ samples: inout [Float], mean: Float = 0, standardDeviation: Float = 1
    ) throws(SamplingError) {
        var span = samples.mutableSpan
        try fillNormal(&span, mean: mean, standardDeviation: standardDeviation)
    }

    /// Fills an array with independent numbers in 0..<1.
    public func fillUniform(_ samples: inout [Float]) throws(SamplingError) {
        var span = samples.mutableSpan
        try fillUniform(&span)
    }

    /// Fills an array with independent values that are true with a probability in 0...1.
    public func fillBernoulli(_ samples: inout [Bool], probability: Double) throws(SamplingError) {
        var span = samples.mutableSpan
        try fillBernoulli(&span, probability: probability)
    }

    /// Fills an array with random bits.
    public func fill(_ bytes: inout [UInt8]) throws(SamplingError) {
        var span = bytes.mutableSpan
        try fill(&span)
    }
}
