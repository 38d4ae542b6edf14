// SPDX-License-Identifier: Apache-2.0

import DaemonConfiguration
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite(
    "Loading the configuration from files: drop-ins, precedence, files that cannot be read")
struct LoadingTests {
    @Test("Without a main file and drop-ins, the values are the built-in ones")
    func absent() throws {
        try withFolder { folder in
            let loaded = try load(.ifPresent("\(folder)/m.yaml"))
            #expect(loaded.settings == DaemonSettings())
            #expect(loaded.files == [])
        }
    }

    @Test("A file that was named must exist")
    func requiredButAbsent() throws {
        try withFolder { folder in
            let message = failure(.required("\(folder)/m.yaml"))
            #expect(message == "\(folder)/m.yaml: cannot be read: No such file or directory")
        }
    }

    @Test("Drop-ins are read in the order of their names, and go before the main file")
    func dropIns() throws {
        try withFolder { folder in
            try write("log: {level: debug}\nrings: {fullBytes: 65536}", to: "\(folder)/m.yaml")
            try makeFolder("\(folder)/m.yaml.d")
            try write("rings: {rawBytes: 65536}", to: "\(folder)/m.yaml.d/9.yaml")
            try write("rings: {rawBytes: 131072}", to: "\(folder)/m.yaml.d/10.yaml")
            try write("log: {level: error}", to: "\(folder)/m.yaml.d/.hidden.yaml")
            try write("log: {level: error}", to: "\(folder)/m.yaml.d/9.yaml~")
            let loaded = try load(.required("\(folder)/m.yaml"))
            var expected = DaemonSettings()
            expected.log.level = .debug
            expected.rings.fullBytes = 65536
            expected.rings.rawBytes = 65536
            #expect(loaded.settings == expected)
            let names = ["m.yaml", "m.yaml.d/10.yaml", "m.yaml.d/9.yaml"]
            #expect(loaded.files == names.map { "\(folder)/\($0)" })
        }
    }

    @Test("Drop-ins are read when the main file is absent")
    func dropInsAlone() throws {
        try withFolder { folder in
            try makeFolder("\(folder)/m.yaml.d")
            try write("log: {level: debug}", to: "\(folder)/m.yaml.d/a.yaml")
            let loaded = try load(.ifPresent("\(folder)/m.yaml"))
            #expect(loaded.settings.log.level == .debug)
            #expect(loaded.files == ["\(folder)/m.yaml.d/a.yaml"])
        }
    }

    @Test("What is wrong with any of the files is told, files that cannot be read first")
    func problems() throws {
        try withFolder { folder in
            try write("log: {level: loud}", to: "\(folder)/m.yaml")
            try makeFolder("\(folder)/m.yaml.d/a.yaml")
            try write("lgo: {}", to: "\(folder)/m.yaml.d/b.yaml")
            #expect(
                failure(.required("\(folder)/m.yaml")) == """
                    \(folder)/m.yaml.d/a.yaml: is not a regular file; name a YAML file
                    \(folder)/m.yaml:1:14: log.level: found loud (text), \
                    expected one of debug, info, warning, error
                    \(folder)/m.yaml.d/b.yaml:1:1: lgo: unknown key; \
                    did you mean "log"?
                    """)
        }
    }

    @Test("A folder, a device and a pipe are refused, and the pipe is not waited for")
    func notRegular() throws {
        try withFolder { folder in
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            for path in [folder, "/dev/zero", "\(folder)/pipe"] {
                let message = failure(.required(path))
                #expect(message == "\(path): is not a regular file; name a YAML file")
            }
        }
    }

    @Test("A file in the place of the drop-in folder is told")
    func dropInFolderIsFile() throws {
        try withFolder { folder in
            try write("", to: "\(folder)/m.yaml.d")
            let message = failure(.ifPresent("\(folder)/m.yaml"))
            #expect(message == "\(folder)/m.yaml.d: cannot be read: Not a directory")
        }
    }

    @Test("A file that may not be read is told, also when it might be absent")
    func unreadable() throws {
        try withFolder { folder in
            try write("", to: "\(folder)/m.yaml")
            #expect(chmod("\(folder)/m.yaml", 0) == 0)
            // Root, who may read everything, gives up that right for the time of the call.
            let message = try asNobody { failure(.ifPresent("\(folder)/m.yaml")) }
            #expect(
                message
                    == "\(folder)/m.yaml: cannot be read: Permission denied; give the user of"
                    + " metrngd read access (chmod o+r; for a folder o+rx)")
        }
    }

    @Test("A drop-in whose name ends with .yml is told, and what editors leave is not")
    func wrongSuffix() throws {
        try withFolder { folder in
            try makeFolder("\(folder)/m.yaml.d")
            try write("", to: "\(folder)/m.yaml.d/a.yaml~")
            try write("", to: "\(folder)/m.yaml.d/.a.yml")
            try write("", to: "\(folder)/m.yaml.d/a.yml")
            let message = failure(.ifPresent("\(folder)/m.yaml"))
            #expect(
                message
                    == "\(folder)/m.yaml.d/a.yml: would not be read: its name must end in .yaml;"
                    + " rename it")
        }
    }

    @Test("A link that leads nowhere is told among the drop-ins")
    func danglingLink() throws {
        try withFolder { folder in
            try makeFolder("\(folder)/m.yaml.d")
            #expect(symlink("nowhere", "\(folder)/m.yaml.d/a.yaml") == 0)
            let message = failure(.ifPresent("\(folder)/m.yaml"))
            let expected = "\(folder)/m.yaml.d/a.yaml: cannot be read: No such file or directory"
            #expect(message == expected)
        }
    }

    @Test("A file of more than 64 KiB is refused without being read whole")
    func tooLarge() throws {
        try withFolder { folder in
            try write("", to: "\(folder)/m.yaml")
            #expect(truncate("\(folder)/m.yaml", 1 << 40) == 0)
            let message = failure(.required("\(folder)/m.yaml"))
            #expect(message == "\(folder)/m.yaml: is larger than 65536 bytes; name a YAML file")
        }
    }

    @Test("The environment and the options go before the files")
    func overrides() throws {
        try withFolder { folder in
            try write("runtimeDirectory: /file", to: "\(folder)/m.yaml")
            let loaded = try loadConfiguration(
                from: .required("\(folder)/m.yaml"),
                environment: ["METRNG_RUNTIME_DIRECTORY": "/environment"],
                flags: SettingFlags(simulated: true))
            #expect(loaded.settings.runtimeDirectory == "/environment")
            #expect(loaded.settings.boards == [BoardSettings()])
        }
    }
}

private func load(_ path: ConfigurationPath) throws(ConfigurationError) -> LoadedConfiguration {
    try loadConfiguration(from: path, environment: [:], flags: SettingFlags())
}

private func failure(_ path: ConfigurationPath) -> String? {
    #expect(throws: ConfigurationError.self) { try load(path) }?.description
}

/// Runs `body` with the path of a new folder that is gone afterwards.
private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/metrng-\(UUID().uuidString)"
    try makeFolder(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

private func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}

private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}
