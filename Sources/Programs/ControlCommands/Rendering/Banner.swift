// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms

/// The lines a person has to see before anything else: which bits are not what they seem.
///
/// - Parameter boards: names and provenances. Names are given only when there are several boards.
package func banner(_ boards: [(name: String, provenance: Provenance)]) -> String {
    let warnings: [(Provenance, String)] = [
        (.simulated, "SIMULATED — %s come from a model and are not random"),
        (.replay, "REPLAY — %s come from a recording and are not secret"),
    ]
    let lines = warnings.compactMap { provenance, warning -> String? in
        let names = boards.filter { $0.provenance == provenance }.map { printable($0.name) }
        guard !names.isEmpty else { return nil }
        let subject =
            boards.count == 1 ? "these bits" : "the bits of \(names.joined(separator: ", "))"
        return warning.replacing("%s", with: subject) + "\n"
    }
    return lines.isEmpty ? "" : lines.joined() + "\n"
}
