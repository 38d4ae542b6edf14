// SPDX-License-Identifier: Apache-2.0

/// A setting that a reload found changed.
package struct ConfigurationChange: Codable, Sendable, Equatable {
    /// The keys that lead to it, as in `boards[0].lanes`.
    package var key: String
    /// Both values as they are written in YAML, or the number of boards.
    package var old: String
    package var new: String
    /// Whether the new value is in force; otherwise it needs a restart.
    package var applied: Bool

    package init(key: String, old: String, new: String, applied: Bool) {
        self.key = key
        self.old = old
        self.new = new
        self.applied = applied
    }
}

/// The reply to `Reload`.
package struct ReloadReport: Codable, Sendable, Equatable {
    /// What differs between the configuration in force and the files; empty when nothing does.
    package var changes: [ConfigurationChange]

    package init(changes: [ConfigurationChange]) {
        self.changes = changes
    }
}
