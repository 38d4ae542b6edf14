// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// The contents of a file in Tests/Fixtures.
package func fixture(_ name: String) throws -> Data {
    let tests = URL(filePath: #filePath).appending(path: "../../..")
    return try Data(contentsOf: tests.appending(path: "Fixtures/\(name)").standardized)
}
