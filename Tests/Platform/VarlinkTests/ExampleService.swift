// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import Synchronization
import TestSupport
import Varlink

/// An interface with a method for each thing a server has to cope with.
final class ExampleInterface: VarlinkInterface {
    let name = "org.example.test"
    let description = "interface org.example.test\n"
    let notes = Mutex<[String]>([])
    let bigReplies = Atomic(0)
    let job = ExampleJob()

    func call(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        switch call.method {
        case "Echo": .reply(try call.decodeParameters(as: JSONValue.self, names: nil))
        case "Note": try note(call)
        case "Notes": .reply(["notes": notes.withLock { $0 }])
        case "Big": .reply(big())
        case "BigStream": .replies(.every(milliseconds: 1)) { [self] in .item(big()) }
        case "Count": try count(to: .max, call)
        case "Job":
            .replies(.onChange(job.changed, shortest: 1, longest: 600_000)) { [job] in job.step() }
        case "CountToThree": try count(to: 3, call)
        case "Who":
            .reply(["pid": Int(call.peer.processID), "uid": Int(call.peer.userID)])
        case "Thread": .reply(["path": "/proc/\(linkTarget("/proc/thread-self"))"])
        case "Descriptor": .reply(["path": descriptorPath(of: call)])
        case "Return": giveBack(call)
        case "NotANumber": .reply(["p": Double.nan])
        case "Fail": throw VarlinkError(name: "org.example.test.Broken", parameters: ["why": .null])
        default: throw .methodNotFound("\(name).\(call.method)")
        }
    }

    private struct NoteParameters: Decodable {
        let text: String
    }

    private func note(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        let note = try call.decodeParameters(as: NoteParameters.self, names: ["text"])
        notes.withLock { $0.append(note.text) }
        return .reply(JSONValue.object([:]))
    }

    private func big() -> [String: String] {
        bigReplies.add(1, ordering: .relaxed)
        return ["text": String(repeating: "x", count: 100_000)]
    }

    private func linkTarget(_ path: String) -> String {
        var target = [CChar](repeating: 0, count: 256)
        let count = max(0, readlink(path, &target, target.count))
        return String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func descriptorPath(of call: VarlinkCall) -> String {
        call.descriptor.map { linkTarget("/proc/self/fd/\($0.raw)") } ?? "none"
    }

    /// Sends the descriptor of the call back, with a reply that is longer than a socket takes at once.
    private func giveBack(_ call: VarlinkCall) -> VarlinkAnswer {
        let descriptor = call.descriptor
        let text = String(repeating: "y", count: 1_000_000)
        return .replies(.every(milliseconds: 1)) { .last(["text": text], socket: descriptor) }
    }

    private func count(
        to last: Int, _ call: VarlinkCall
    ) throws(VarlinkError) -> VarlinkAnswer {
        guard call.wantsMore else { throw .expectedMore }
        let counter = Counter()
        return .replies(.every(milliseconds: 1)) { () throws(VarlinkError) in
            let count = counter.value.add(1, ordering: .relaxed).newValue
            guard count <= last else {
                throw VarlinkError(name: "org.example.test.Over", parameters: [:])
            }
            return .item(["n": count])
        }
    }

    private final class Counter: Sendable {
        let value = Atomic(0)
    }
}

/// A job that a test advances from another thread than the server's.
final class ExampleJob: Sendable {
    let changed = ChangeSignal()
    private let state = Mutex((done: 0, isOver: false))
    private let looked = Atomic(0)

    /// How often the server has looked.
    var looks: Int { looked.load(ordering: .relaxed) }

    func advance(isOver: Bool = false) {
        state.withLock { $0 = ($0.done + 1, isOver) }
        changed.raise()
    }

    func step() -> VarlinkReplyStep {
        looked.add(1, ordering: .relaxed)
        let (done, isOver) = state.withLock { $0 }
        return isOver ? .last(["done": done]) : .item(["done": done])
    }
}

/// A server of the example interface in a directory of its own.
final class ExampleServer {
    let directory = TemporaryDirectory()
    let interface = ExampleInterface()
    let server: VarlinkServer

    var path: String { directory.file("s") }

    init(maximumConnections: Int = 32, requestLimit: Int = 65_536) throws {
        server = try VarlinkServer(
            listener: try UnixListener(path: directory.file("s"), mode: 0o600),
            info: VarlinkServiceInfo(
                vendor: "Example", product: "test", version: "1", url: "https://example.org"),
            interfaces: [interface], maximumConnections: maximumConnections,
            requestLimit: requestLimit)
    }

    deinit { server.stop() }

    func peer() throws -> RawPeer { try RawPeer(path: path) }

    func client() throws(VarlinkClientError) -> VarlinkClient {
        try VarlinkClient(path: path)
    }
}

extension VarlinkClient {
    func echo(_ value: Int64) throws(VarlinkClientError) -> JSONValue {
        try call("org.example.test.Echo", ["value": value], returning: JSONValue.self)
    }
}
