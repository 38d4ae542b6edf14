// SPDX-License-Identifier: Apache-2.0

package import ControlInterface
package import Varlink

/// The versions of the tool and of the daemon it talks to.
package struct VersionReport: Codable, Sendable, Equatable {
    package var mectl: String
    /// Nil when there is no daemon to ask.
    @Nullable package var metrngd: String?

    package init(mectl: String, metrngd: String?) {
        self.mectl = mectl
        self.metrngd = metrngd
    }
}

/// Everything that verbs print, and the one place where it becomes text.
package enum Report: Sendable {
    case status(StatusReport)
    case boards(BoardList)
    case health(BoardHealth, map: LaneQuantity = .p)
    case configuration(ConfigurationReport)
    case version(VersionReport)
    case operatingPoint(OperatingPointReport)
    case fault(FaultReport)
    case recording(RecordReport)
    case calibration(CalibrationReport)
    case boardCheck(BoardCheckReport)
    case reload(ReloadReport)

    package enum Form: Sendable {
        /// One line, keys sorted.
        case json
        /// For people; `now` in seconds since the Unix epoch.
        case text(palette: Palette, now: Double)
    }

    /// The text, with the newline that ends it.
    package func rendered(as form: Form) throws(JSONError) -> String {
        switch (self, form) {
        case (.status(let status), .json): try jsonLine(status)
        case (.boards(let boards), .json): try jsonLine(boards)
        case (.health(let health, _), .json): try jsonLine(health)
        case (.configuration(let configuration), .json): try jsonLine(configuration)
        case (.version(let version), .json): try jsonLine(version)
        case (.operatingPoint(let point), .json): try jsonLine(point)
        case (.fault(let fault), .json): try jsonLine(fault)
        case (.recording(let recording), .json): try jsonLine(recording)
        case (.calibration(let calibration), .json): try jsonLine(calibration)
        case (.boardCheck(let check), .json): try jsonLine(check)
        case (.reload(let reload), .json): try jsonLine(reload)
        case (.status(let status), .text(let palette, let now)):
            statusScreen(status, palette: palette, now: now)
        case (.boards(let boards), .text): boardTable(boards.boards)
        case (.health(let health, let map), .text(let palette, let now)):
            healthScreen(health, map: map, palette: palette, now: now)
        case (.configuration(let configuration), .text): configurationText(configuration)
        case (.version(let version), .text): versionText(version)
        case (.operatingPoint(let point), .text): operatingPointText(point)
        case (.fault(let fault), .text): faultText(fault)
        case (.boardCheck(let check), .text): boardCheckText(check)
        case (.reload(let reload), .text): reloadText(reload)
        case (.recording(let recording), .text): recordingText(recording)
        case (.calibration(let calibration), .text(let palette, _)):
            calibrationScreen(calibration, palette: palette)
        }
    }
}

private func jsonLine(_ value: some Encodable) throws(JSONError) -> String {
    String(decoding: try encodeJSON(value), as: UTF8.self) + "\n"
}

private func configurationText(_ configuration: ConfigurationReport) -> String {
    let files = configuration.files.map(printable).joined(separator: ", ")
    let source = files.isEmpty ? "built-in values" : "from \(files)"
    let yaml = configuration.yaml.unicodeScalars.split(
        separator: "\n", omittingEmptySubsequences: false
    )
    .map { printable(String($0)) }.joined(separator: "\n")
    return "# \(source)\n\(yaml)\(yaml.hasSuffix("\n") ? "" : "\n")"
}

private func reloadText(_ reload: ReloadReport) -> String {
    guard !reload.changes.isEmpty else { return "no changes\n" }
    return reload.changes.map { change in
        let (key, old, new) = (printable(change.key), printable(change.old), printable(change.new))
        return change.applied
            ? "\(key) is now \(new), was \(old)\n"
            : "\(key) is still \(old): \(new) needs a restart\n"
    }.joined()
}

private func versionText(_ version: VersionReport) -> String {
    let daemon = version.metrngd.map { "metrngd \(printable($0))" } ?? "metrngd does not answer"
    return "mectl \(version.mectl)\n\(daemon)\n"
}
