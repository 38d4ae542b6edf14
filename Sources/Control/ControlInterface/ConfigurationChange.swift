// SPDX-License-Identifier: Apache-2.0

/// A setting that a reload found changed.
package struct ConfigurationChange: Codable, Sendable, Equatable {
    /// The path of keys to the setting, as in `boards[0].lanes`.
    package var key: String
    /// The values as they are written in YAML, or the number of boards.
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
    /// The differences between the configuration in force and the files; empty when there are none.
    package var changes: [ConfigurationChange]

    package init(changes: [ConfigurationChange]) {
        self.changes = changes
    }
}
