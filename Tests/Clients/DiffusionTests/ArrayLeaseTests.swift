// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import CTestSupport
import Diffusion
import DiffusionTestSupport
import EntropyTerms
import Glibc
import LeaseProtocol
import LinuxPlatform
import TestSupport
import Testing
import Varlink

@Suite(
    "A lease: its call, commands and replies in order, its ends, hostile daemons, forked children",
    .timeLimit(.minutes(5)))
struct ArrayLeaseTests {
    private static func devices(_ count: Int) -> [SoftwareArray.Device] {
        SoftwareArray.devices(count, flipProbability: 0.01)
    }

    private static func honest(_ lanes: Int) throws -> FakeLeaseDaemon {
        try FakeLeaseDaemon(lanes: lanes) { socket in
            LeaseEnd(socket, lanes: lanes).serve(SoftwareArray(devices: devices(lanes), seed: 1))
        }
    }

    /// The error of an operation; nil when it succeeds.
    private func error(_ body: () throws(ArrayError) -> Void) -> ArrayError? {
        do throws(ArrayError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("Has the states that were written, pulses them as the array does, and leaves masked lanes alone")
    func states() throws {
        let daemon = try Self.honest(100)
        let lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
        #expect(lease.laneCount == 100 && lease.origin.board == "array0" && lease.origin.healthEpoch == 7)
        #expect(lease.origin.provenance == .simulated && lease.pulsesPerSecond == 1_000_000)
        let software = SoftwareArray(devices: Self.devices(100), seed: 1)
        var mask = LaneBits(repeating: false, count: 100)
        for lane in 0..<50 { mask[lane] = true }
        let arrays: [any DeviceArray] = [lease, software]
        let read = try arrays.map { array in
            try array.write(LaneBits(repeating: true, count: 100))
            try array.pulse(30, leaving: mask)
            let first = try array.read()
            try array.write(LaneBits(repeating: false, count: 100), leaving: mask)
            try array.pulse(600, leaving: mask.complement)
            return [first, try array.read()]
        }
        #expect(read[0] == read[1])
        #expect((0..<50).allSatisfy { read[0][0][$0] } && (50..<100).contains { !read[0][0][$0] })
    }

    @Test("Sends more pulses than a command takes as several")
    func manyPulses() throws {
        let pulses = Tally()
        let daemon = try FakeLeaseDaemon(lanes: 64) { socket in
            LeaseEnd(socket, lanes: 64).serve(SoftwareArray(devices: Self.devices(64), seed: 1)) { command in
                if case .pulse(let count) = command { pulses.add(count) }
                return nil
            }
        }
        let lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
        try lease.pulse(200_000)
        _ = try lease.read()
        #expect(pulses.value == 200_000)
    }

    @Test("Asks for what the caller wants")
    func call() throws {
        let daemon = try Self.honest(128)
        let point = PulsePoint(amplitudeMillivolts: 2_200, widthPicoseconds: 140.5, biasFieldMicrotesla: 20)
        let lease = try ArrayLease(
            path: daemon.path, board: "array0", count: 64, seconds: 30, point: point, allowsSimulated: true)
        #expect(lease.laneCount == 64 && lease.seconds == 30)
        let call = try #require(daemon.calls.first)
        #expect(call["board"] == "array0" && call["count"] == 64 && call["seconds"] == 30 && call["lanes"] == nil)
        #expect(call["operatingPoint"]?["pulseWidthPicoseconds"] == .number(140.5))
        _ = try ArrayLease(path: daemon.path, lanes: [3, 1], allowsSimulated: true)
        #expect(daemon.calls.last?["lanes"] == .array([3, 1]) && daemon.calls.last?["count"] == nil)
    }

    @Test("Does not accept a model unless told to, and gives it back")
    func consent() throws {
        let daemon = try Self.honest(64)
        #expect(error { () throws(ArrayError) in _ = try ArrayLease(path: daemon.path) } == .notGenuine(.simulated))
        #expect(eventually { daemon.openLeases == 0 })
    }

    @Test("Keeps at most 64 commands unanswered, however many are sent")
    func pipelining() throws {
        let daemon = try Self.honest(64)
        let lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
        for index in 0..<1_000 {
            try lease.write(LaneBits(repeating: index & 1 == 1, count: 64))
            try lease.pulse(0)
        }
        #expect(try lease.read().ones == 64)
        let slow = try FakeLeaseDaemon(lanes: 64) { socket in
            let end = LeaseEnd(socket, lanes: 64)
            var commands: [(command: LeaseCommand, tag: UInt64)] = []
            while commands.count < LeaseLimits.unanswered, let next = end.next() { commands.append(next) }
            // Not one more comes before there is an answer.
            linger()
            var byte: UInt8 = 0
            guard recv(socket.raw, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) < 0 else { return }
            for command in commands { end.send(LeaseReply(.ok, tag: command.tag)) }
            end.serve(SoftwareArray(devices: Self.devices(64), seed: 1))
        }
        let other = try ArrayLease(path: slow.path, allowsSimulated: true)
        for _ in 0..<200 { try other.write(LaneBits(repeating: true, count: 64)) }
        #expect(try other.read().ones == 64)
    }

    @Test("Sets point and trims within the limits, and waits for both")
    func tuning() throws {
        let daemon = try FakeLeaseDaemon(lanes: 64) { socket in
            LeaseEnd(socket, lanes: 64).serve(SoftwareArray(devices: Self.devices(64), seed: 1)) { command in
                if case .point(let point) = command, point.pulseWidthPicoseconds > 2_000 { return .outOfRange }
                return nil
            }
        }
        let lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
        var point = lease.point
        point.widthPicoseconds = 150
        try lease.set(point)
        #expect(lease.point.widthPicoseconds == 150)
        point.widthPicoseconds = 9_000
        #expect(
            error { () throws(ArrayError) in try lease.set(point) }
                == .outOfRange(quantity: "width in ps", value: 9_000, minimum: 10, maximum: 2_700))
        point.widthPicoseconds = 2_500
        #expect(error { () throws(ArrayError) in try lease.set(point) } != nil)
        #expect(lease.point.widthPicoseconds == 150)
        try lease.setTrims(Array(repeating: -5, count: 64))
        #expect(error { () throws(ArrayError) in try lease.setTrims(Array(repeating: 5_000, count: 64)) } != nil)
        #expect(try lease.read().count == 64)
    }

    @Test(
        "Says how the lease ended, again and again",
        arguments: [
            (LeaseReply.Status.expired, ArrayError.expired), (.boardGone, .boardGone), (.shuttingDown, .shuttingDown),
            (.lanesLost, .lanesLost),
        ])
    func ends(status: LeaseReply.Status, expected: ArrayError) throws {
        // In answer to a command, and unasked.
        for isAsked in [true, false] {
            let daemon = try FakeLeaseDaemon(lanes: 64) { socket in
                let end = LeaseEnd(socket, lanes: 64)
                let command = isAsked ? end.next() : nil
                end.send(LeaseReply(status, tag: command?.tag ?? 0))
            }
            let lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
            // The daemon may have closed before anything is sent; what it said is found all the same.
            if !isAsked { #expect(eventually { daemon.openLeases == 0 }) }
            for _ in 0..<2 {
                #expect(error { () throws(ArrayError) in _ = try lease.read() } == expected)
                #expect(error { () throws(ArrayError) in try lease.pulse(1) } == expected)
            }
        }
    }

    @Test("Notices a daemon that is gone", arguments: [0, 1])
    func gone(answers: Int) throws {
        let daemon = try FakeLeaseDaemon(lanes: 64) { socket in
            let end = LeaseEnd(socket, lanes: 64)
            for _ in 0..<answers {
                if let next = end.next() { end.send(LeaseReply(.ok, states: [1], tag: next.tag)) }
            }
        }
        let lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
        for _ in 0..<answers { _ = try lease.read() }
        #expect(error { () throws(ArrayError) in _ = try lease.read() } == .disconnected)
    }

    /// A reply by its fields.
    private static func raw(
        version: UInt8 = 1, status: UInt8 = 0, zero: UInt8 = 0, length: UInt8 = 0, tag: UInt8 = 1, body: Int = 0
    ) -> [UInt8] {
        [version, status, zero, 0, length, 0, 0, 0, tag, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: body)
    }

    @Test(
        "Refuses replies of another shape",
        arguments: [
            raw(version: 2, length: 8, body: 8), raw(status: 7), raw(zero: 1, length: 8, body: 8),
            raw(length: 0), raw(length: 16, body: 16), raw(length: 255, body: 8), raw(length: 8, tag: 2, body: 8),
            raw(length: 8, tag: 0, body: 8), raw(status: 1), raw(status: 2, length: 8, body: 8),
            Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8),
        ])
    func hostile(bytes: [UInt8]) throws {
        let daemon = try FakeLeaseDaemon(lanes: 64) { socket in
            let end = LeaseEnd(socket, lanes: 64)
            _ = end.next()
            end.send(bytes)
        }
        let lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
        let failure = error { () throws(ArrayError) in _ = try lease.read() }
        guard case .protocolViolation? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    @Test(
        "Explains why there is no lease",
        arguments: [
            ("NoSuchBoard", ["board": "x", "boards": .array(["a"])], .noSuchBoard(asked: "x", boards: ["a"])),
            ("AmbiguousBoard", ["board": "x", "boards": .array(["a"])], .ambiguousBoard(asked: "x", boards: ["a"])),
            ("Busy", ["board": "a"], .busy(board: "a")),
            ("NotLeasable", ["board": "a", "cause": "c"], .notLeasable(board: "a", cause: "c")),
            (
                "NotEnoughLanes", ["board": "a", "wanted": 5, "available": 3],
                .notEnoughLanes(board: "a", wanted: 5, available: 3)
            ), ("LanesTaken", ["board": "a", "lanes": .array([1])], .lanesTaken(board: "a", lanes: [1])),
            (
                "OutOfRange", ["quantity": "q", "value": 1, "minimum": 2, "maximum": 3],
                .outOfRange(quantity: "q", value: 1, minimum: 2, maximum: 3)
            ), ("BoardFailed", ["board": "a", "cause": "c"], .boardFailed(board: "a", cause: "c")),
            ("Other", [:], .protocolViolation("it replied with the error Other")),
        ] as [(String, JSONValue, ArrayError)])
    func refusals(name: String, parameters: JSONValue, expected: ArrayError) throws {
        let remote = VarlinkError(name: "org.metrng.Control.\(name)", parameters: parameters)
        let daemon = try FakeLeaseDaemon(error: remote) { _ in }
        #expect(error { () throws(ArrayError) in _ = try ArrayLease(path: daemon.path) } == expected)
        #expect(!"\(expected)".isEmpty)
    }

    @Test("Names the socket that nobody serves, and the user who may not lease")
    func unreachable() throws {
        let path = TemporaryDirectory().file("c")
        let failure = error { () throws(ArrayError) in _ = try ArrayLease(path: path) }
        #expect(failure == .unreachable(path: path, reason: "No such file or directory"))
        let daemon = try FakeLeaseDaemon(
            error: VarlinkError(name: "org.metrng.Control.NotPermitted")
        ) { _ in }
        #expect(
            error { () throws(ArrayError) in _ = try ArrayLease(path: daemon.path) }
                == .notPermitted(path: daemon.path))
    }

    @Test("Renews by itself when a third of its time has passed, and on demand")
    func renewal() throws {
        let renewals = Tally()
        let daemon = try FakeLeaseDaemon(lanes: 64) { socket in
            LeaseEnd(socket, lanes: 64).serve(SoftwareArray(devices: Self.devices(64), seed: 1)) { command in
                if case .renew(1) = command { renewals.add(1) }
                return nil
            }
        }
        let lease = try ArrayLease(path: daemon.path, seconds: 1, allowsSimulated: true)
        try lease.renew()
        #expect(renewals.value == 1)
        #expect(try eventually { try lease.read().count == 64 && renewals.value == 3 })
    }

    @Test("Is given back when it is closed and when nobody holds it any more")
    func givenBack() throws {
        let daemon = try Self.honest(64)
        var lease: ArrayLease? = try ArrayLease(path: daemon.path, allowsSimulated: true)
        #expect(daemon.openLeases == 1)
        lease?.close()
        #expect(eventually { daemon.openLeases == 0 })
        #expect(error { () throws(ArrayError) in _ = try lease?.read() } == .disconnected)
        lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
        #expect(eventually { daemon.openLeases == 1 })
        lease = nil
        #expect(eventually { daemon.openLeases == 0 })
    }

    @Test("Of a parent is of no use to a forked child, and goes on in the parent")
    func forked() async {
        await #expect(processExitsWith: .success) {
            let daemon = try FakeLeaseDaemon(lanes: 64) { socket in
                let devices = SoftwareArray.devices(64, flipProbability: 0.01)
                LeaseEnd(socket, lanes: 64).serve(SoftwareArray(devices: devices, seed: 1))
            }
            let lease = try ArrayLease(path: daemon.path, allowsSimulated: true)
            try lease.write(LaneBits(repeating: true, count: 64))
            let child = ctestsupport_fork()
            if child == 0 {
                do throws(ArrayError) {
                    _ = try lease.read()
                    _exit(1)
                } catch {
                    _exit(error == .ofParentProcess ? 0 : 2)
                }
            }
            var status: Int32 = -1
            waitpid(child, &status, 0)
            precondition(status == 0)
            let states = try lease.read()
            precondition(states.ones == 64)
        }
    }

    @Test("Carries the whole process: a calibration over the socket is that of the array itself")
    func calibration() throws {
        let daemon = try Self.honest(256)
        let settings = ProcessCalibration.Settings(mostPulses: 50, loads: 4)
        let leased = try ProcessCalibration.measure(
            try ArrayLease(path: daemon.path, allowsSimulated: true), settings)
        let direct = try ProcessCalibration.measure(
            SoftwareArray(devices: Self.devices(256), seed: 1), settings)
        #expect(leased.curve == direct.curve && leased.point?.widthPicoseconds == 134)
    }
}
