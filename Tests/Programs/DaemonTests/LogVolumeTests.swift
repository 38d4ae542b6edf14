// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import EntropyPipeline
import LaneHealth
import Logging
import MetrngDaemon
import Synchronization
import Testing

/// Keeps the lines of a log.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct Recorder: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if event.level >= logLevel { lines.add("\(event.message)") }
    }
}

/// The daemon's log in time that the test moves.
private struct TimedLog {
    private var log: EventLog
    private let lines = Lines()
    private(set) var milliseconds: UInt64 = 1_000_000

    init() {
        let lines = lines
        let logger = Logger(label: "test") { _ in Recorder(lines: lines) }
        log = EventLog(logger) { _ in EventLog.Board(kind: .simulated, healthEpoch: 7) }
    }

    var written: [String] { lines.all }

    mutating func write(_ event: PipelineEvent) {
        log.write(event, of: "array0", now: milliseconds * 1_000_000)
    }

    mutating func writeLoss(_ count: Int) { log.writeLoss(count, now: milliseconds * 1_000_000) }

    /// Lets time pass as the daemon's main thread does: it wakes when something is due.
    mutating func pass(milliseconds count: UInt64) {
        let end = milliseconds + count
        while let wait = log.wait(now: milliseconds * 1_000_000), milliseconds + UInt64(max(wait, 0)) <= end {
            milliseconds += UInt64(max(wait, 0))
            log.writeSums(now: milliseconds * 1_000_000)
        }
        milliseconds = end
    }
}

@Suite("The volume of the daemon's log, over a quarter of an hour of an array that fails again and again")
struct LogVolumeTests {
    private static let quarterHour: UInt64 = 900_000
    private static let tests = [HealthTest.repetitionCount, .adaptiveProportion, .prediction, .longPrediction]

    private static func failure(_ lane: Int?, _ test: HealthTest) -> PipelineEvent {
        .alarm(LaneAlarm(lane: lane, test: test, severity: .failure, window: 0))
    }

    @Test("Each of 512 lanes that fail whenever they are admitted is named once; sums tell the rest")
    func marginalArray() {
        var log = TimedLog()
        var events = 0
        // The longest start-up test takes four seconds at a million shots a second.
        for round in 0..<Int(Self.quarterHour / 4_000) {
            for lane in 0..<512 { log.write(Self.failure(lane, Self.tests[(lane + round) % 4])) }
            events += 512
            log.pass(milliseconds: 4_000)
        }
        log.pass(milliseconds: 60_000)
        let lines = log.written
        let named = (0..<512).filter { lane in lines.contains { $0.contains(": lane \(lane) failed") } }
        #expect(named.count == 512)
        #expect(lines.count <= 600 + 160 + 16 * Self.tests.count)
        #expect(Self.told(lines) == events)
    }

    @Test("512 lanes that fail by turns, each after more than a period, do not fill the log either")
    func byTurns() {
        var log = TimedLog()
        for turn in 0..<Int(Self.quarterHour / 125) {
            log.write(Self.failure(turn % 512, .adaptiveProportion))
            log.pass(milliseconds: 125)
        }
        log.pass(milliseconds: 60_000)
        #expect(log.written.count <= 600 + 160 + 16)
        #expect(Self.told(log.written) == Int(Self.quarterHour / 125))
    }

    /// The number of failures that lines tell of.
    private static func told(_ lines: [String]) -> Int {
        lines.reduce(0) { count, line in
            guard line.contains("since then") else { return count + 1 }
            return count + (line.firstMatch(of: /(\d+) times/).flatMap { Int($0.output.1) } ?? 0)
        }
    }

    @Test("A sum names the lanes when they are few, and the whole array when it is meant")
    func sums() {
        var log = TimedLog()
        for _ in 0..<3 {
            for lane in [3, 7, 8, 9] { log.write(Self.failure(lane, .prediction)) }
            log.write(Self.failure(5, .repetitionCount))
            log.write(Self.failure(nil, .crossLane))
        }
        log.pass(milliseconds: 60_000)
        #expect(
            Set(log.written.suffix(3)) == [
                "board array0: since then, lanes 3,7-9 failed the prediction test 8 times",
                "board array0: since then, lane 5 failed the repetition count test 2 times",
                "board array0: since then, the array failed the cross-lane test 2 times",
            ])
        #expect(log.written.count == 9)
    }

    @Test("A board that goes back and forth is told at first, and then in sum with where it is")
    func backAndForth() {
        var log = TimedLog()
        for _ in 0..<Int(Self.quarterHour / 200) {
            log.write(.became(.unhealthy(good: 3, minimum: 384)))
            log.pass(milliseconds: 100)
            log.write(.became(.serving))
            log.pass(milliseconds: 100)
        }
        log.pass(milliseconds: 60_000)
        let lines = log.written
        #expect(lines.count <= 40 + 32 + 16)
        #expect(lines.first == "board array0: serves nothing: 3 good lanes, at least 384 are needed")
        #expect(lines.last?.hasPrefix("board array0: since then, its state changed ") == true)
        #expect(lines.last?.hasSuffix("; the last one: serving bits") == true)
        // It is quiet for a while: everything is told again.
        log.pass(milliseconds: 3_600_000)
        log.write(.became(.unhealthy(good: 3, minimum: 384)))
        #expect(log.written.last == lines.first)
    }

    @Test("Events that came too fast to be logged are told once a minute")
    func losses() {
        var log = TimedLog()
        for _ in 0..<9_000 {
            log.writeLoss(10)
            log.pass(milliseconds: 100)
        }
        log.pass(milliseconds: 60_000)
        // A line and a sum a minute.
        #expect(log.written.count <= 32)
        let told = log.written.compactMap { Int($0.prefix { $0.isNumber }) }.reduce(0, +)
        #expect(told == 90_000)
    }
}
