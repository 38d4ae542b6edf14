// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyRing
import EntropyTerms
import Glibc
import KernelFeeding
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "Feeding of a pool from the entropy server: counts, intervals, refusals, no byte twice")
struct KernelFeederTests {
    private static let byteCount = 64

    /// A feeder on a server, what it feeds, and what it reported.
    private struct Bench {
        let pool = ModelPool()
        let reports = Reports()
        let feeder: KernelFeeder

        init(
            path: String, intervalSeconds: Int = 7,
            openBoards: @escaping @Sendable () -> Set<String>
        ) throws {
            let reports = reports
            feeder = try KernelFeeder(
                KernelFeeder.Settings(
                    intervalSeconds: intervalSeconds, byteCount: byteCount, locked: false),
                from: KernelFeeder.Supply(path: path, openBoards: openBoards), to: pool
            ) { reports.add($0) }
        }

        init(_ rig: ServerRig) throws {
            let sources = rig.sources
            try self.init(path: rig.path) { Set(sources.filter(\.isOpen).map(\.name)) }
        }
    }

    private final class Reports: Sendable {
        private let records = Mutex<[KernelFeeder.Record]>([])
        var all: [KernelFeeder.Record] { records.withLock { $0 } }
        func add(_ record: KernelFeeder.Record) { records.withLock { $0.append(record) } }
    }

    private static let bytes = (0..<byteCount * 3).map { UInt8(truncatingIfNeeded: $0 + 1) }

    @Test("Each interval has one contribution, of the next bytes, credited with eight bits a byte")
    func intervals() throws {
        try ServerRig.run { rig in
            let bench = try Bench(rig)
            rig.source.put(Self.bytes)
            var waits: [Int] = []
            bench.feeder.run { seconds in
                #expect(bench.pool.additions.count == waits.count)
                waits.append(seconds)
                return waits.count <= 3
            }
            #expect(waits == [7, 7, 7, 7])
            #expect(bench.pool.additions.flatMap(\.bytes) == Self.bytes)
            #expect(bench.pool.additions.map(\.creditedBits) == [512, 512, 512])
            let record = bench.feeder.record
            #expect(record.contributions == 3)
            #expect(record.bytes == 192)
            #expect(record.creditedBits == 1536)
            #expect(record.lastFed != nil)
            #expect(record.refusal == nil)
            #expect(bench.reports.all.count == 1)
        }
    }

    @Test("A byte that the pool was given is given to nobody else")
    func once() throws {
        try ServerRig.run { rig in
            let bench = try Bench(rig)
            rig.source.put(Self.bytes)
            bench.feeder.feed()
            let client = try EntropyConnection(path: rig.path)
            #expect(try client.read(count: 128) == Array(Self.bytes[64...]))
            #expect(bench.pool.additions.map(\.bytes) == [Array(Self.bytes[..<64])])
        }
    }

    @Test(
        "Bits that are not of hardware never reach the pool; those of hardware do",
        arguments: Provenance.allCases)
    func provenances(provenance: Provenance) throws {
        try ServerRig.run(ServerRig.Setup(provenances: [provenance])) { rig in
            let bench = try Bench(rig)
            rig.source.put(Self.bytes)
            bench.feeder.feed()
            let isHardware = provenance == .hardware
            #expect(bench.pool.additions.count == (isHardware ? 1 : 0))
            #expect(bench.feeder.record.refusal == (isHardware ? nil : .notHardware(provenance)))
            #expect(bench.reports.all.count == 1)
        }
    }

    @Test("Without a healthy board no bits are asked for")
    func unhealthy() throws {
        try ServerRig.run(ServerRig.Setup(isOpen: false)) { rig in
            let bench = try Bench(rig)
            bench.feeder.feed()
            #expect(bench.feeder.record.refusal == .unhealthy)
            rig.source.open()
            rig.source.put(Self.bytes)
            bench.feeder.feed()
            #expect(bench.feeder.record.refusal == nil)
            rig.source.close()
            bench.feeder.feed()
            #expect(bench.feeder.record.refusal == .unhealthy)
            #expect(bench.pool.additions.count == 1)
            #expect(bench.reports.all.map(\.refusal) == [.unhealthy, nil, .unhealthy])
        }
    }

    @Test("Bits of a board that fails while they are on their way are thrown away")
    func failsMeanwhile() throws {
        try ServerRig.run { rig in
            let asked = Atomic<Int>(0)
            let bench = try Bench(path: rig.path) {
                asked.add(1, ordering: .relaxed).oldValue == 0 ? ["source-0"] : []
            }
            rig.source.put(Self.bytes)
            bench.feeder.feed()
            #expect(bench.feeder.record.refusal == .failedMeanwhile)
            #expect(bench.pool.additions.isEmpty)
        }
    }

    @Test("Too few bits are not waited for, and none is taken")
    func tooFew() throws {
        try ServerRig.run { rig in
            let bench = try Bench(rig)
            rig.source.put(Array(Self.bytes[..<63]))
            bench.feeder.feed()
            #expect(bench.feeder.record.refusal == .noBits(.unavailable))
            #expect(rig.source.deliverableCount(.full) == 63)
        }
    }

    @Test("A pool that refuses is told once, asked again, and costs bits once")
    func refusal() throws {
        try ServerRig.run { rig in
            let bench = try Bench(rig)
            let error = SystemError("add entropy to", "/dev/random", code: EPERM)
            rig.source.put(Self.bytes)
            bench.pool.refuse(error)
            for _ in 0..<3 { bench.feeder.feed() }
            #expect(bench.feeder.record.refusal == .kernel(error))
            #expect(bench.reports.all.count == 1)
            #expect(eventually { rig.source.deliverableCount(.full) == 128 })
            bench.pool.refuse(nil)
            bench.feeder.feed()
            #expect(bench.pool.additions.map(\.bytes) == [Array(Self.bytes[64..<128])])
            #expect(bench.pool.checks == 3)
        }
    }

    @Test("A pool that refuses from the start is known before the first interval, at no cost")
    func refusalAtStart() throws {
        try ServerRig.run { rig in
            let bench = try Bench(rig)
            bench.pool.refuse(SystemError("add entropy to", "/dev/random", code: EPERM))
            rig.source.put(Self.bytes)
            bench.feeder.run { _ in false }
            #expect(bench.reports.all.count == 1)
            bench.feeder.feed()
            #expect(rig.source.deliverableCount(.full) == Self.bytes.count)
        }
    }

    @Test("A server that is gone is no more than a refusal")
    func noServer() throws {
        let bench = try Bench(path: "/nonexistent/e") { ["a"] }
        bench.feeder.feed()
        guard case .noBits(.unreachable) = bench.feeder.record.refusal else {
            Issue.record("\(bench.feeder.record)")
            return
        }
        #expect(bench.pool.additions.isEmpty)
    }

    @Test("The thread ends at once, in the middle of a long wait")
    func stops() throws {
        let bench = try Bench(path: "/nonexistent/e", intervalSeconds: 86_400) { [] }
        let thread = try KernelFeedThread(bench.feeder)
        #expect(eventually { bench.pool.checks == 1 })
        #expect(try finishes { thread.stop() })
    }
}
