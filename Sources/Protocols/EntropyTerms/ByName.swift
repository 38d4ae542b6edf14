// SPDX-License-Identifier: Apache-2.0

/// A provenance that JSON has by its name. The number, which `Provenance` itself is coded as, is that of the binary
/// formats.
@propertyWrapper
package struct ByName: Codable, Sendable, Equatable {
    package var wrappedValue: Provenance

    package init(wrappedValue: Provenance) { self.wrappedValue = wrappedValue }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let provenance = Provenance.allCases.first(where: { $0.name == name }) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "there is no provenance \(name)")
        }
        wrappedValue = provenance
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue.name)
    }
}
