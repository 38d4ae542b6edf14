// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Sources/Protocols/Vectors/meb1-vectors.json, by name; empty when it cannot be read.
package let boardVectors: [String: [UInt8]] = {
    guard let bytes = try? goldenVectors("meb1-vectors.json"),
        let texts = try? JSONDecoder().decode([String: String].self, from: Data(bytes))
    else { return [:] }
    return texts.mapValues { text in
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
    }
}()
