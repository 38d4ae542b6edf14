// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform

/// Where the main configuration file is.
package enum ConfigurationPath: Sendable, Equatable {
    /// A file that was asked for by name and must exist.
    case required(String)
    /// A file that may be absent: then the built-in values are in its place.
    case ifPresent(String)

    /// The file that is read when none is named.
    package static let standard = ConfigurationPath.ifPresent("/etc/metrng/metrngd.yaml")

    package var path: String {
        switch self {
        case .required(let path), .ifPresent(let path): path
        }
    }
}

/// Settings and the files they were read from, in reading order.
package struct LoadedConfiguration: Sendable, Equatable {
    package let settings: DaemonSettings
    /// Empty when all values are built-in ones.
    package let files: [String]
}

extension LoadedConfiguration {
    /// This configuration, with what can change while the daemon runs taken from `new`.
    package func adoptingLive(_ new: LoadedConfiguration) -> LoadedConfiguration {
        var settings = self.settings
        settings.log.level = new.settings.log.level
        settings.entropy.maximumClients = new.settings.entropy.maximumClients
        settings.control.maximumClients = new.settings.control.maximumClients
        return LoadedConfiguration(settings: settings, files: new.files)
    }
}

/// Reads the main file, then the drop-ins `<main file>.d/*.yaml` in the order of their names, then
/// the environment and the options. The only part of this module that touches files.
///
/// Blocks while it reads; any thread may call. Throws every problem of all the files, or of the
/// environment and the options when the files have none.
package func loadConfiguration(
    from main: ConfigurationPath, environment: [String: String], flags: SettingFlags
) throws(ConfigurationError) -> LoadedConfiguration {
    var input = ConfigurationInput()
    input.readMain(main)
    input.readDropIns("\(main.path).d")
    return LoadedConfiguration(
        settings: try input.settings().overriding(environment: environment, flags: flags),
        files: input.files.map(\.name))
}

/// The files that were read and what could not be read.
private struct ConfigurationInput {
    private(set) var files: [ConfigurationFile] = []
    private var problems: [ConfigurationProblem] = []

    func settings() throws(ConfigurationError) -> DaemonSettings {
        do {
            let settings = try DaemonSettings(reading: files)
            if problems.isEmpty { return settings }
        } catch {
            throw ConfigurationError(problems: problems + error.problems)
        }
        throw ConfigurationError(problems: problems)
    }

    mutating func readMain(_ main: ConfigurationPath) {
        do {
            files.append(try readFile(main.path))
        } catch .unreadable(let error) where error.isAbsence && main.mayBeAbsent {
            return
        } catch {
            report(error, on: main.path)
        }
    }

    mutating func readDropIns(_ folder: String) {
        do {
            for name in try entries(of: folder).sorted(by: precedes) where !name.hasPrefix(".") {
                if name.hasSuffix(".yaml") { readDropIn("\(folder)/\(name)") }
                // What editors and package managers leave has other names.
                if name.hasSuffix(".yml") { report(.wrongSuffix, on: "\(folder)/\(name)") }
            }
        } catch {
            if !error.isAbsence { report(.unreadable(error), on: folder) }
        }
    }

    private mutating func readDropIn(_ path: String) {
        do {
            files.append(try readFile(path))
        } catch {
            report(error, on: path)
        }
    }

    private mutating func report(_ failure: ReadingFailure, on path: String) {
        problems.append(
            .init(origin: .file(path), position: nil, key: "", fault: failure.fault))
    }
}

extension ConfigurationPath {
    fileprivate var mayBeAbsent: Bool { if case .ifPresent = self { true } else { false } }
}

extension SystemError {
    fileprivate var isAbsence: Bool { code == ENOENT }

    fileprivate var readingRemedy: String {
        code == EACCES
            ? "; give the user of metrngd read access (chmod o+r; for a folder o+rx)" : ""
    }
}

private enum ReadingFailure: Error {
    case unreadable(SystemError)
    case notRegularFile
    case wrongSuffix

    var fault: ConfigurationFault {
        switch self {
        case .unreadable(let error): .unreadable(reason: error.reason + error.readingRemedy)
        case .wrongSuffix: .wrongSuffix
        case .notRegularFile: .notRegularFile
        }
    }
}

/// By bytes, as the C locale sorts: the order does not depend on where the daemon runs.
private func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
}

private func entries(of folder: String) throws(SystemError) -> [String] {
    guard let stream = opendir(folder) else { throw SystemError("list", folder, code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            })
    }
    return names
}

/// Reads at most one byte more than a configuration may have. Only regular files: reading anything
/// else could wait for ever.
private func readFile(_ path: String) throws(ReadingFailure) -> ConfigurationFile {
    do throws(SystemError) {
        let flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC
        let file = Descriptor(owning: try system("open", path) { open(path, flags) })
        var status = stat()
        try system("examine", path) { fstat(file.raw, &status) }
        if status.st_mode & S_IFMT == S_IFREG {
            return ConfigurationFile(name: path, bytes: try bytes(of: file, path: path))
        }
    } catch {
        throw .unreadable(error)
    }
    throw .notRegularFile
}

private func bytes(of file: Descriptor, path: String) throws(SystemError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: maximumConfigurationBytes + 1)
    var filled = 0
    while filled < bytes.count {
        let count = try system("read", path) {
            bytes.withUnsafeMutableBytes { buffer in
                read(file.raw, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            }
        }
        if count == 0 { break }
        filled += count
    }
    return Array(bytes[..<filled])
}
