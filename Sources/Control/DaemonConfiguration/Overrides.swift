// SPDX-License-Identifier: Apache-2.0

/// The options of the command line that change settings.
package struct SettingFlags: Sendable, Equatable {
    /// `--runtime-directory`.
    package var runtimeDirectory: String?
    /// `--simulated`.
    package var simulated: Bool
    /// `--replay`: an absolute path.
    package var replay: String?

    package init(runtimeDirectory: String? = nil, simulated: Bool = false, replay: String? = nil) {
        self.runtimeDirectory = runtimeDirectory
        self.simulated = simulated
        self.replay = replay
    }
}

extension DaemonSettings {
    /// The variable of the environment that sets `runtimeDirectory`.
    package static let runtimeDirectoryVariable = "METRNG_RUNTIME_DIRECTORY"

    /// The settings with overrides from the environment and then from the command line.
    ///
    /// With `simulated`, the daemon drives the simulated boards of the configuration, or one with the
    /// built-in values when there is none. With `replay`, it drives nothing but the recording.
    package func overriding(
        environment: [String: String], flags: SettingFlags
    ) throws(ConfigurationError) -> DaemonSettings {
        var settings = self
        var problems: [ConfigurationProblem] = []
        if let directory = environment[Self.runtimeDirectoryVariable] {
            let origin = ConfigurationOrigin.environment(Self.runtimeDirectoryVariable)
            problems += settings.setRuntimeDirectory(directory, from: origin)
        }
        if let directory = flags.runtimeDirectory {
            problems += settings.setRuntimeDirectory(directory, from: .flag("--runtime-directory"))
        }
        if flags.simulated {
            settings.boards.removeAll { $0.kind != .simulated }
            if settings.boards.isEmpty { settings.boards = [BoardSettings()] }
        }
        if let path = flags.replay { problems += settings.setReplay(path) }
        // What the files say together was checked when they were read.
        for conflict in settings.provenanceConflicts {
            let flag = ConfigurationOrigin.flag(flags.replay == nil ? "--simulated" : "--replay")
            problems.append(.init(origin: flag, position: nil, key: conflict.key, fault: conflict.fault))
        }
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
        return settings
    }

    private mutating func setReplay(_ path: String) -> [ConfigurationProblem] {
        let form = Form<String>.optionalPath
        guard let valid = form.parse(YAMLScalar(text: path, isPlain: false)), !valid.isEmpty else {
            let fault = ConfigurationFault.value(
                found: "\"\(excerpt(path))\"", expected: "the path of a recording")
            return [.init(origin: .flag("--replay"), position: nil, key: "", fault: fault)]
        }
        var board = BoardSettings()
        board.name = "replay"
        board.kind = .replay
        board.path = valid
        boards = [board]
        return []
    }

    private mutating func setRuntimeDirectory(
        _ directory: String, from origin: ConfigurationOrigin
    ) -> [ConfigurationProblem] {
        let form = Self.runtimeDirectoryForm
        if let valid = form.parse(YAMLScalar(text: directory, isPlain: false)) {
            runtimeDirectory = valid
            return []
        }
        let fault = ConfigurationFault.value(
            found: "\"\(excerpt(directory))\"", expected: form.expected)
        return [.init(origin: origin, position: nil, key: "", fault: fault)]
    }
}
