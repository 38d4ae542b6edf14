// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyRing
import EntropyServer
import EntropyTerms
import Glibc
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import TestSupport
import Testing

@Suite(
    "A server in a process without descriptors: it waits, and accepts again")
struct ServerDescriptorTests {
    @Test("accepts who waits once there are some again")
    func quiet() async {
        await #expect(processExitsWith: .success) {
            try ServerRig.run { rig in try expectRecovery(rig) }
        }
    }

    @Test("accepts who waits once there are some again, however busy its clients keep it")
    func busy() async {
        await #expect(processExitsWith: .success) {
            try ServerRig.run { rig in
                let client = try rig.connect()
                let isDone = Flag()
                let answers = Tally()
                _ = try client.ask(.info())
                let thread = try WorkerThread(name: "test-busy") {
                    while !isDone.isRaised {
                        let request = EntropyRequest.read(1, grade: .full, flags: .nonBlocking)
                        guard (try? client.ask(request)) != nil else { return }
                        answers.add(1)
                    }
                }
                defer {
                    isDone.raise()
                    thread.join()
                }
                try expectRecovery(rig)
                #expect(answers.value > 0)
            }
        }
    }

    @Test("cannot be started, and says so")
    func start() async {
        await #expect(processExitsWith: .success) {
            let directory = TemporaryDirectory()
            let bitsArrived = try Wakeup()
            let listener = try UnixListener(path: directory.file("e"), mode: 0o600)
            let parts = EntropyServer.Parts(
                listener: listener, sources: [], bitsArrived: bitsArrived, info: { [] })
            try withDescriptors(1) {
                let error = #expect(throws: SystemError.self) {
                    try EntropyServer(parts, maximumClients: 1)
                }
                #expect(error?.code == EMFILE)
            }
        }
    }
}

/// Leaves the process one descriptor, which a new client takes, so that the server can accept it
/// only after some are given back.
private func expectRecovery(_ rig: ServerRig) throws {
    let clients = rig.server.clients.count
    let client = try withDescriptors(1) {
        let client = try rig.connect()
        try client.send(.info(tag: 4))
        for _ in 0..<10 { linger() }
        #expect(!client.hasInput)
        #expect(rig.server.clients.count == clients)
        return client
    }
    #expect(try client.receiveReply()?.header.tag == 4)
}

/// Runs `body` with so many descriptors left. For processes that run one test only.
private func withDescriptors<Result>(_ count: Int, _ body: () throws -> Result) throws -> Result {
    limitDescriptors(to: 100)
    var held: [Int32] = []
    var before = -1
    // Other threads of the process may just hold one for a moment: until there are no more to be had.
    while held.count > before {
        before = held.count
        while case let copy = dup(0), copy >= 0 { held.append(copy) }
        for _ in 0..<10 { linger() }
    }
    try #require(held.count > count)
    for descriptor in held.suffix(count) { close(descriptor) }
    defer { for descriptor in held.dropLast(count) { close(descriptor) } }
    return try body()
}
