// SPDX-License-Identifier: Apache-2.0

extension DaemonSettings {
    /// The settings as a configuration file that gives the same settings when it is read.
    package var yaml: String {
        lines(of: Self.fields, in: self).map { $0 + "\n" }.joined()
    }
}

private func lines<Owner>(of fields: [Field<Owner>], in owner: Owner) -> [String] {
    fields.flatMap { field in
        switch field {
        case .value(let name, let leaf):
            ["\(name): \(leaf.render(owner))"]
        case .section(let name, let fields):
            ["\(name):"] + lines(of: fields, in: owner).map { "  " + $0 }
        case .boards(let name, let path):
            boardLines(name, owner[keyPath: path])
        }
    }
}

private func boardLines(_ name: String, _ boards: [BoardSettings]) -> [String] {
    if boards.isEmpty { return ["\(name): []"] }
    return ["\(name):"]
        + boards.flatMap { board in
            lines(of: BoardSettings.fields, in: board).enumerated().map { index, line in
                (index == 0 ? "  - " : "    ") + line
            }
        }
}

/// A setting that differs between two configurations.
package struct SettingChange: Sendable, Equatable {
    /// The keys that lead to the setting, as in `boards[0].lanes`.
    package let key: String
    /// Both values as they are written in YAML, or the number of boards.
    package let old: String
    package let new: String
    /// Whether a running daemon applies the new value; otherwise it needs a restart.
    package let appliesLive: Bool
}

extension DaemonSettings {
    /// The differences in `new`, in the order of the manual.
    package func changes(to new: DaemonSettings) -> [SettingChange] {
        differences(of: Self.fields, from: self, to: new, key: "")
    }
}

private func differences<Owner>(
    of fields: [Field<Owner>], from old: Owner, to new: Owner, key: String
) -> [SettingChange] {
    fields.flatMap { field -> [SettingChange] in
        let path = key.appending(key: field.name)
        switch field {
        case .value(_, let leaf):
            let (before, after) = (leaf.render(old), leaf.render(new))
            if before == after { return [] }
            return [.init(key: path, old: before, new: after, appliesLive: leaf.appliesLive)]
        case .section(_, let fields):
            return differences(of: fields, from: old, to: new, key: path)
        case .boards(_, let boards):
            return differences(from: old[keyPath: boards], to: new[keyPath: boards], key: path)
        }
    }
}

private func differences(
    from old: [BoardSettings], to new: [BoardSettings], key: String
) -> [SettingChange] {
    guard old.count == new.count else {
        let (before, after) = (number(old.count), number(new.count))
        return [.init(key: key, old: before, new: after, appliesLive: false)]
    }
    return zip(old, new).enumerated().flatMap { index, pair in
        differences(of: BoardSettings.fields, from: pair.0, to: pair.1, key: "\(key)[\(index)]")
    }
}

private func number(_ boards: Int) -> String {
    boards == 1 ? "1 board" : "\(boards) boards"
}
