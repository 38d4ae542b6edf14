// SPDX-License-Identifier: Apache-2.0

/// A call as it was received.
///
/// Its parameters stay text until the method that is called reads them as the type that it wants.
package struct CallMessage: Sendable {
    package let method: String
    package let oneway: Bool
    package let more: Bool
    let upgrade: Bool
    /// The names of the parameters; nil when they are not an object.
    let parameterNames: Set<String>?
    private let text: [UInt8]

    /// - Parameter text: the message without the NUL that ends it.
    /// - Throws: when it is no call. Parameters that are not an object make none of that.
    init(parsing text: some Collection<UInt8>) throws(JSONError) {
        let header = try decodeJSON(CallHeader.self, from: text)
        method = header.method
        oneway = header.oneway == true
        more = header.more == true
        upgrade = header.upgrade == true
        parameterNames = header.parameters.map { $0.names } ?? []
        self.text = Array(text)
    }

    /// Reads the parameters; absent and null read as an empty object.
    func parameters<Parameters: Decodable>(
        as type: Parameters.Type
    ) throws(JSONError) -> Parameters {
        do {
            return try decodeJSON(CallParameters<Parameters>.self, from: text).parameters
        } catch {
            throw error.inParameters
        }
    }
}

/// The members of a call but for the values of its parameters.
private struct CallHeader: Decodable {
    var method: String
    var oneway: Bool?
    var more: Bool?
    var upgrade: Bool?
    var parameters: MemberNames?
}

/// The names of the members of an object, whatever their values are.
private struct MemberNames: Decodable {
    /// Nil for what is not an object.
    let names: Set<String>?

    init(from decoder: any Decoder) throws {
        let container = try? decoder.container(keyedBy: MemberName.self)
        names = container.map { Set($0.allKeys.map(\.stringValue)) }
    }

    private struct MemberName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

private enum ParametersKey: CodingKey { case parameters }

/// A call, of which only the parameters are of interest.
private struct CallParameters<Parameters: Decodable>: Decodable {
    let parameters: Parameters

    init(from decoder: any Decoder) throws {
        parameters = try decoder.container(keyedBy: ParametersKey.self).decodeParameters()
    }
}

extension KeyedDecodingContainer<ParametersKey> {
    /// The parameters of a message; absent and null read as an empty object.
    fileprivate func decodeParameters<Parameters: Decodable>() throws -> Parameters {
        if let parameters = try decodeIfPresent(Parameters.self, forKey: .parameters) {
            return parameters
        }
        return try decodeJSON(Parameters.self, from: "{}".utf8)
    }
}

extension JSONError {
    /// The same error with a path that begins at the parameters of a message instead of the message.
    var inParameters: JSONError {
        func within(_ path: String) -> String {
            String(path.trimmingPrefix("parameters."))
        }
        return switch self {
        case .malformed, .tooDeep: self
        case .mismatch(let path): .mismatch(path: within(path))
        case .notRepresentable(let path): .notRepresentable(path: within(path))
        }
    }
}

/// A call to be sent.
struct OutgoingCall: Encodable {
    var method: String
    /// Has to encode as an object.
    var parameters: any Encodable
    var oneway = false
    var more = false

    private enum CodingKeys: CodingKey { case method, parameters, oneway, more }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(method, forKey: .method)
        try container.encode(parameters, forKey: .parameters)
        if oneway { try container.encode(true, forKey: .oneway) }
        if more { try container.encode(true, forKey: .more) }
    }
}

/// A reply that is no error, as its caller reads it.
package struct VarlinkReply<Parameters: Decodable> {
    package let parameters: Parameters
    /// Whether more replies to the same call follow.
    package let continues: Bool

    /// Reads a reply.
    ///
    /// - Parameter text: the message without the NUL that ends it.
    /// - Throws: `remote` for a reply that is an error, `badReply` for text that is no reply with these
    ///   parameters.
    package init(parsing text: some Collection<UInt8>) throws(VarlinkClientError) {
        do {
            let reply = try decodeJSON(ReceivedReply<Parameters>.self, from: text)
            parameters = try reply.outcome.get()
            continues = reply.continues
        } catch let error as VarlinkError {
            throw .remote(error)
        } catch {
            throw .badReply(error as? JSONError ?? .malformed)
        }
    }
}

/// A reply as it was received.
private struct ReceivedReply<Parameters: Decodable>: Decodable {
    let outcome: Result<Parameters, VarlinkError>
    let continues: Bool

    private enum CodingKeys: CodingKey { case error, continues }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let parameters = try decoder.container(keyedBy: ParametersKey.self)
        continues = try container.decodeIfPresent(Bool.self, forKey: .continues) == true
        if let name = try container.decodeIfPresent(String.self, forKey: .error) {
            outcome = .failure(
                VarlinkError(name: name, parameters: try parameters.decodeParameters()))
        } else {
            outcome = .success(try parameters.decodeParameters())
        }
    }
}

/// A reply to be sent.
struct ReplyMessage: Encodable {
    let parameters: any Encodable
    var error: String?
    var continues = false

    private enum CodingKeys: CodingKey { case parameters, error, continues }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(parameters, forKey: .parameters)
        try container.encodeIfPresent(error, forKey: .error)
        if continues { try container.encode(true, forKey: .continues) }
    }
}

extension ReplyMessage {
    init(_ error: VarlinkError) {
        self.init(parameters: error.parameters, error: error.name)
    }
}

/// A message as it travels: its JSON text and the NUL that ends it.
func frame(_ message: some Encodable) throws(JSONError) -> [UInt8] {
    try encodeJSON(message) + [0]
}

/// A reply after which more come, as it travels: encoded once, for any number of clients.
package struct SharedReply: Sendable {
    private let encoded: Result<[UInt8], JSONError>

    /// - Parameter parameters: has to encode as an object; a value that cannot be encoded closes the connection of
    ///   each client that it is sent to.
    package init(_ parameters: any Encodable) {
        encoded = Result { () throws(JSONError) in
            try frame(ReplyMessage(parameters: parameters, continues: true))
        }
    }

    func message() throws(JSONError) -> [UInt8] { try encoded.get() }
}
