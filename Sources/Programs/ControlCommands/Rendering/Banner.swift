// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms

/// The lines a person has to see before anything else: which bits are not what they seem.
///
/// - Parameters:
///   - boards: names and provenances. Names are given only when there are several boards.
///   - models: the names of boards whose bits come from a model, now or when they were recorded.
package func banner(
    _ boards: [(name: String, provenance: Provenance)], models: Set<String> = []
) -> String {
    let warnings: [(warning: String, concerns: ((name: String, provenance: Provenance)) -> Bool)] = [
        ("SIMULATED — %s come from a model and are not random", { $0.provenance == .simulated }),
        (
            "REPLAY — %s come from a recording and are not secret",
            { $0.provenance == .replay && !models.contains($0.name) }
        ),
        (
            "REPLAY — %s come from a recording of a model and are neither random nor secret",
            { $0.provenance == .replay && models.contains($0.name) }
        ),
    ]
    let lines = warnings.compactMap { warning, concerns -> String? in
        let names = boards.filter(concerns).map { printable($0.name) }
        guard !names.isEmpty else { return nil }
        let subject =
            boards.count == 1 ? "these bits" : "the bits of \(names.joined(separator: ", "))"
        return warning.replacing("%s", with: subject) + "\n"
    }
    return lines.isEmpty ? "" : lines.joined() + "\n"
}

/// Whether bits come from a model, now or when they were recorded.
///
/// - Parameter recordedFrom: the provenance of replayed bits when they were recorded, by name.
func areOfModel(_ provenance: Provenance, recordedFrom: String?) -> Bool {
    provenance == .simulated || recordedFrom == Provenance.simulated.name
}
