// SPDX-License-Identifier: Apache-2.0

/// A call as it travels.
package struct CallMessage: Codable {
    package var method: String
    package var parameters: JSONValue?
    package var oneway: Bool?
    package var more: Bool?
    package var upgrade: Bool?
}

/// A reply that is no error, as its caller reads it.
package struct VarlinkReply<Parameters: Decodable> {
    package let parameters: Parameters
    /// Whether more replies to the same call follow.
    package let continues: Bool

    /// Reads a reply from its JSON text.
    ///
    /// - Throws: `remote` for a reply that is an error, `badReply` for text that is no reply with these
    ///   parameters.
    package init(parsing text: some Collection<UInt8>) throws(VarlinkClientError) {
        do {
            let envelope = try decodeJSON(ReplyEnvelope.self, from: text)
            if let name = envelope.error {
                let payload = try decodeJSON(ReplyPayload<JSONValue>.self, from: text)
                throw VarlinkError(name: name, parameters: payload.parameters)
            }
            parameters = try decodeJSON(ReplyPayload<Parameters>.self, from: text).parameters
            continues = envelope.continues == true
        } catch let error as VarlinkError {
            throw .remote(error)
        } catch {
            throw .badReply(error as? JSONError ?? .malformed)
        }
    }
}

/// The members of a reply beside its parameters.
private struct ReplyEnvelope: Decodable {
    var error: String?
    var continues: Bool?
}

/// The parameters of a reply, absent and null read as an empty object.
private struct ReplyPayload<Parameters: Decodable>: Decodable {
    let parameters: Parameters

    private enum CodingKeys: CodingKey { case parameters }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let parameters = try container.decodeIfPresent(Parameters.self, forKey: .parameters) {
            self.parameters = parameters
        } else {
            parameters = try JSONValue.object([:]).decode(Parameters.self)
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
