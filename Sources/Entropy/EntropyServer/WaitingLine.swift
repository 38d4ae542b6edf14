// SPDX-License-Identifier: Apache-2.0

/// A client as the dispenser knows it: its account, and its place in the line of those that wait for bits. For the
/// dispenser's thread.
package final class DispenserClient {
    package let account: ClientAccount
    /// The sink of the client while it waits; nil while it does not.
    fileprivate var sink: (any Sink)?
    fileprivate var next: DispenserClient?
    fileprivate unowned(unsafe) var previous: DispenserClient?

    init(_ account: ClientAccount) { self.account = account }

    /// Whether the client waits for bits.
    package var isWaiting: Bool { sink != nil }
}

/// The line of the clients that wait for bits, longest first. Entering and leaving cost the same however long it is,
/// and allocate nothing. For the dispenser's thread.
struct WaitingLine: ~Copyable {
    private var first: DispenserClient?
    private unowned(unsafe) var last: DispenserClient?

    var isEmpty: Bool { first == nil }

    mutating func append(_ sink: any Sink) {
        let client = sink.client
        precondition(client.sink == nil, "a client waits in one place only")
        client.sink = sink
        client.previous = last
        if let last { last.next = client } else { first = client }
        last = client
    }

    /// Takes a client out, wherever it stands.
    mutating func remove(_ client: DispenserClient) {
        precondition(client.sink != nil, "the client waits")
        let next = client.next
        if let previous = client.previous { previous.next = next } else { first = next }
        if let next { next.previous = client.previous } else { last = client.previous }
        client.next = nil
        client.previous = nil
        client.sink = nil
    }

    /// Takes the client out that has waited longest.
    mutating func popFirst() -> (any Sink)? {
        guard let client = first, let sink = client.sink else { return nil }
        remove(client)
        return sink
    }

    /// Whether a sink that waits satisfies a condition.
    func contains(where isMatch: (any Sink) -> Bool) -> Bool {
        var client = first
        while let current = client {
            if let sink = current.sink, isMatch(sink) { return true }
            client = current.next
        }
        return false
    }

    deinit {
        // One by one: a long line that is let go of as a whole would be so recursively.
        var client = first
        while let current = client {
            client = current.next
            current.next = nil
            current.previous = nil
            current.sink = nil
        }
    }
}
