// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration

/// The settings in a text.
func settings(_ text: String) throws(ConfigurationError) -> DaemonSettings {
    try settings(bytes: Array(text.utf8))
}

func settings(bytes: [UInt8]) throws(ConfigurationError) -> DaemonSettings {
    try DaemonSettings(reading: [ConfigurationFile(name: "m.yaml", bytes: bytes)])
}

/// The problems of a text, a line each.
func problems(_ text: String) -> [String] {
    problems(bytes: Array(text.utf8))
}

func problems(bytes: [UInt8]) -> [String] {
    do {
        _ = try settings(bytes: bytes)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// A configuration with all the keys there are.
let everyKey: String = {
    var settings = DaemonSettings()
    settings.boards = [BoardSettings()]
    return settings.yaml
}()
