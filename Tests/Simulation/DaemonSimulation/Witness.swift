// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyRing
import EntropyTerms
import Synchronization

/// Checks the promises: it sees what leaves the rings and what clients receive, and knows of each board what it
/// really is.
struct Witness {
    /// What is known of a board and its source.
    struct Subject {
        let source: EntropySource
        /// What the board is, whatever its source says.
        let provenance: Provenance
    }

    /// Bytes by the board or the label, and the grade.
    private struct Key: Hashable {
        let provenance: Provenance
        let grade: Grade
    }

    private let subjects: [Subject]
    private var delivered = DeliveredBytes()
    /// Answers that are being received, by the number of the client.
    private var answers: [Int: DeliveredBytes.Answer] = [:]
    private var received: [Key: Int] = [:]
    private var leftRings: [Key: Int] = [:]
    private(set) var broken: BrokenPromise?
    var step = 0

    /// - Parameter subjects: no two boards have the same provenance, so that a label tells the board.
    init(_ subjects: [Subject]) {
        precondition(Set(subjects.map(\.provenance)).count == subjects.count)
        self.subjects = subjects
    }

    /// Bytes that clients have received in all.
    var receivedCount: Int { received.values.reduce(0, +) }

    mutating func fail(_ promise: Promise, _ detail: String) {
        if broken == nil { broken = BrokenPromise(promise: promise, detail: detail, step: step) }
    }

    /// Something came in at a client.
    mutating func arrived(_ arrival: SimulationClient.Arrival, at client: Int) {
        switch arrival {
        case .nonsense(let what): fail(.protocolForm, "client \(client) received \(what)")
        case .reply(let reply, let request): check(reply, to: request, at: client)
        case .bytes(let bytes, let reply): add(bytes, of: reply, at: client)
        }
    }

    /// The server has had a turn.
    ///
    /// - Parameters:
    ///   - accounts: bytes in the accounts of all clients that there ever were.
    ///   - mayDeliver: whether bits of a subject may go out, by its index.
    mutating func serverMoved(accounts: Int, mayDeliver: (Int) -> Bool) {
        for (index, subject) in subjects.enumerated() {
            for channel in subject.source.channels {
                let key = Key(provenance: subject.provenance, grade: channel.grade)
                let count = channel.ring.delivered.load(ordering: .relaxed)
                let before = leftRings.updateValue(count, forKey: key) ?? 0
                if count > before, !mayDeliver(index) {
                    fail(.gate, "\(count - before) bytes of \(channel.grade) of board \(index)")
                }
            }
        }
        let left = leftRings.values.reduce(0, +)
        if accounts != left {
            fail(.accounts, "\(accounts) bytes in the accounts, \(left) left the rings")
        }
    }

    private mutating func check(
        _ reply: EntropyReply, to request: EntropyRequest, at client: Int
    ) {
        answers[client] = DeliveredBytes.Answer()
        guard reply.status == .ok, request.operation == .read else { return }
        if reply.length != request.length || reply.grade != request.grade {
            fail(.labels, "\(request) was answered with \(reply)")
        }
        guard let subject = subjects.first(where: { $0.provenance == reply.provenance }) else {
            return fail(.labels, "no board is \(reply.provenance)")
        }
        let epoch = subject.source.healthEpoch.load(ordering: .relaxed)
        if reply.healthEpoch > epoch {
            fail(.labels, "epoch \(reply.healthEpoch) has not come yet, it is \(epoch)")
        }
    }

    private mutating func add(_ bytes: ArraySlice<UInt8>, of reply: EntropyReply, at client: Int) {
        var answer = answers[client] ?? DeliveredBytes.Answer()
        if !delivered.add(bytes, to: &answer) {
            fail(.deliveredOnce, "bytes that client \(client) received had been delivered before")
        }
        answers[client] = answer
        let key = Key(provenance: reply.provenance, grade: reply.grade)
        received[key, default: 0] += bytes.count
        if received[key, default: 0] > leftRings[key, default: 0] {
            fail(
                .labels,
                "clients have \(received[key, default: 0]) bytes labelled \(reply.provenance) \(reply.grade),"
                    + " but \(leftRings[key, default: 0]) left the ring of that board")
        }
    }
}
