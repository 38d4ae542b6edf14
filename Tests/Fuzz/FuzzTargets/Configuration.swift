// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration

extension FuzzTarget {
    /// The configuration in YAML. What is accepted is the same after it was written and read, and what
    /// is refused is refused with messages that can be shown.
    static let configuration = FuzzTarget("configuration") { bytes in
        let file = ConfigurationFile(name: "m.yaml", bytes: Array(bytes))
        do throws(ConfigurationError) {
            let settings = try DaemonSettings(reading: [file])
            checkRoundTrip(settings)
            require(
                (try? DaemonSettings(reading: [file, file])) == settings,
                "a file read twice says the same as one read once")
        } catch {
            checkMessages(of: error)
        }
    }
}

private func checkRoundTrip(_ settings: DaemonSettings) {
    let rendered = ConfigurationFile(name: "r.yaml", bytes: Array(settings.yaml.utf8))
    // A valid file may name more than fits into a file with every key written out.
    guard rendered.bytes.count <= maximumConfigurationBytes else { return }
    do throws(ConfigurationError) {
        let again = try DaemonSettings(reading: [rendered])
        require(again == settings, "settings are the same after they were written and read")
        require(settings.changes(to: again).isEmpty, "nothing differs between equal settings")
    } catch {
        fatalError("settings that were written are refused: \(error.problems.map(\.description))")
    }
}

private func checkMessages(of error: ConfigurationError) {
    require(!error.problems.isEmpty, "a refusal says why")
    for problem in error.problems {
        let text = problem.description
        require(text.hasPrefix("m.yaml:"), "a problem names its file: \(text)")
        require(text.utf8.count <= 4_096, "a message is of bounded length: \(text)")
        require(
            text.unicodeScalars.allSatisfy { !$0.properties.isControl },
            "a message cannot disturb a terminal: \(text)")
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isControl: Bool {
        switch generalCategory {
        case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
