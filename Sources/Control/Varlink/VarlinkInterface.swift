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
    /// Always an object: absent, null and empty parameters are the same.
    package let parameters: JSONValue
    /// The client takes several replies.
    package let wantsMore: Bool
    package let peer: PeerCredentials
    /// What the client passed with the call; it may be of any kind, and in any mode. Closed with the
    /// call by methods that need none.
    package let descriptor: Descriptor?

    package init(
        method: String, parameters: JSONValue, wantsMore: Bool, peer: PeerCredentials,
        descriptor: Descriptor? = nil
    ) {
        self.method = method
        self.parameters = parameters
        self.wantsMore = wantsMore
        self.peer = peer
        self.descriptor = descriptor
    }

    /// Reads the parameters into a type.
    ///
    /// - Parameter names: every parameter the method has. Another one is an error: a misspelt name
    ///   would pass for one that was left out.
    /// - Throws: `InvalidParameter` that names the first bad parameter.
    package func decodeParameters<Parameters: Decodable>(
        as type: Parameters.Type, names: Set<String>
    ) throws(VarlinkError) -> Parameters {
        if case .object(let members) = parameters,
            let unknown = members.keys.filter({ !names.contains($0) }).min()
        {
            throw .invalidParameter(unknown)
        }
        do {
            return try parameters.decode(type)
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

    /// Replies that come later. `next` is asked at once and then every so many milliseconds (at least 1),
    /// though never while the client has not taken the reply before, until it gives the last one. An
    /// error from `next` is sent instead of it. When the client goes before, `next` is let go of: what
    /// it owns is told by its `deinit`.
    ///
    /// A call without `more` gets the last reply only; a method without one has to insist on
    /// `VarlinkCall.wantsMore`.
    case replies(
        everyMilliseconds: Int, next: @Sendable () throws(VarlinkError) -> VarlinkReplyStep)
}

/// What a method has to say, when it is asked for its next reply.
package enum VarlinkReplyStep: Sendable {
    /// Nothing yet.
    case none
    /// A reply after which more come.
    case item(any Encodable & Sendable)
    /// The last reply.
    case last(any Encodable & Sendable)
}
