// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform

/// A set of methods that a server offers.
package protocol VarlinkInterface: Sendable {
    /// In reverse domain order, as in `org.example.Interface`.
    var name: String { get }

    /// The interface in the Varlink language, as clients ask for it.
    var description: String { get }

    /// Does what a method says and answers. Runs on the server's thread, where every client waits
    /// for it: it has to be quick and may not wait for anything.
    func call(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer
}

/// One call of a method.
package struct VarlinkCall: Sendable {
    /// Without the interface in front.
    package let method: String
    package let peer: PeerCredentials
    /// What the client passed with the call; it may be of any kind, and in any mode. Closed with the
    /// call by methods that need none.
    package let descriptor: Descriptor?
    private let message: CallMessage

    init(
        method: String, message: CallMessage, peer: PeerCredentials, descriptor: Descriptor?
    ) {
        self.method = method
        self.message = message
        self.peer = peer
        self.descriptor = descriptor
    }

    /// Whether the client takes several replies.
    package var wantsMore: Bool { message.more }

    /// Whether the client takes no reply, not even an error.
    package var isOneway: Bool { message.oneway }

    /// Reads the parameters into a type. Absent, null and empty parameters are the same.
    ///
    /// - Parameter names: every parameter the method has; nil for one that takes any. Another one is an error: a
    ///   misspelt name would pass for one that was left out.
    /// - Throws: `InvalidParameter` that names the first bad parameter.
    package func decodeParameters<Parameters: Decodable>(
        as type: Parameters.Type, names: Set<String>?
    ) throws(VarlinkError) -> Parameters {
        let unknown = names.flatMap { message.parameterNames?.subtracting($0).min() }
        if let unknown { throw .invalidParameter(unknown) }
        do {
            return try message.parameters(as: type)
        } catch {
            guard case .mismatch(let path) = error else { throw .invalidParameter("parameters") }
            throw .invalidParameter(path)
        }
    }
}

/// What a method answers.
package enum VarlinkAnswer: Sendable {
    /// One reply. Its value has to encode as an object; one that cannot be encoded closes the
    /// connection.
    case reply(any Encodable & Sendable)

    /// Replies that come later. `next` is called at once and then as the pace says, until it gives the last reply
    /// or throws an error, which is sent instead; never while the client has not taken the previous reply. When
    /// the client goes before that, `next` is released: what it owns learns of that from its own `deinit`.
    ///
    /// A call without `more` gets the last reply only; a method without one has to insist on
    /// `VarlinkCall.wantsMore`. With `oneway`, `next` is released without a call; a method whose work depends on it
    /// has to refuse `VarlinkCall.isOneway`.
    case replies(VarlinkPace, next: @Sendable () throws(VarlinkError) -> VarlinkReplyStep)
}

/// When a method is asked for its next reply.
package enum VarlinkPace: Sendable {
    /// Periodically, with this interval in milliseconds (at least 1).
    case every(milliseconds: Int)

    /// Whenever the signal is raised, which any thread may do. For a client that takes several replies, the next one
    /// is asked for no sooner than `shortest` milliseconds after the previous one, so that fast progress costs little,
    /// and no later than `longest` milliseconds after it, so that the client sees that the daemon lives. The last
    /// change is told of at once.
    case onChange(ChangeSignal, shortest: Int, longest: Int)
}

/// What a method has to say, when it is asked for its next reply.
package enum VarlinkReplyStep: Sendable {
    /// Nothing yet.
    case none
    /// A reply after which more come.
    case item(any Encodable & Sendable)
    /// A reply after which more come, and that other clients get as well.
    case shared(SharedReply)
    /// The last reply, and a socket that goes with it, of which the server keeps no copy.
    case last(any Encodable & Sendable, socket: Descriptor? = nil)
}
