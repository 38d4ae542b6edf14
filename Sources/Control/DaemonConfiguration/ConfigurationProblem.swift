// SPDX-License-Identifier: Apache-2.0

/// A configuration that cannot be used: everything that is wrong with it, in reading order.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// At least one.
    package let problems: [ConfigurationProblem]

    /// A line for each problem.
    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

/// One thing that is wrong with a configuration.
package struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    package let origin: ConfigurationOrigin
    /// `nil` when the problem is not at a place in a file.
    package let position: Position?
    /// The keys that lead to the value, as in `boards[0].lanes`; empty for the whole file.
    package let key: String
    package let fault: ConfigurationFault

    package var description: String {
        let place = position.map { "\(origin):\($0)" } ?? origin.description
        return key.isEmpty ? "\(place): \(fault)" : "\(place): \(key): \(fault)"
    }
}

/// Where a setting comes from.
package enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
    /// A file, by its path.
    case file(String)
    /// A variable of the environment, by its name.
    case environment(String)
    /// An option of the command line, with its dashes.
    case flag(String)

    package var description: String {
        switch self {
        case .file(let path): path
        case .environment(let name): "environment variable \(name)"
        case .flag(let name): "option \(name)"
        }
    }
}

/// A place in a file. Lines, and columns in Unicode scalars, count from 1.
package struct Position: Sendable, Hashable, CustomStringConvertible {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package var description: String { "\(line):\(column)" }
}

/// What is wrong.
package enum ConfigurationFault: Sendable, Equatable {
    /// The file is not there or may not be read; the kernel's reason.
    case unreadable(reason: String)
    /// A drop-in with a name of which nothing would be read.
    case wrongSuffix
    /// A directory, a device or the like.
    case notRegularFile
    /// More bytes than `maximumConfigurationBytes`.
    case tooLarge
    case notUTF8
    /// The text is not YAML; what the YAML reader says about it.
    case syntax(String)
    case severalDocuments
    /// YAML that a configuration may not use.
    case refused(YAMLFeature)
    /// A list or a mapping stands where a key must be.
    case keyIsNotText
    /// The key is in the same mapping again, in `otherLine` when that is known.
    case repeatedKey(otherLine: Int?)
    /// There is no such key; `known` are those there are, `nearest` the one that was likely meant.
    case unknownKey(nearest: String?, known: [String])
    /// A wrong type or an impossible value, both sides in words.
    case value(found: String, expected: String)
}

/// YAML that is refused: a configuration needs none of it, and nested aliases grow without bound.
package enum YAMLFeature: String, Sendable {
    case anchor, alias, tag
}

extension ConfigurationFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let reason): "cannot be read: \(reason)"
        case .wrongSuffix: "would not be read: its name must end in .yaml; rename it"
        case .notRegularFile: "is not a regular file; name a YAML file"
        case .tooLarge: "is larger than \(maximumConfigurationBytes) bytes; name a YAML file"
        case .notUTF8: "is not UTF-8 text from here on; save the file as UTF-8"
        case .syntax(let reason): "not valid YAML: \(reason)"
        case .severalDocuments: "a second document starts here; keep one and remove \"---\""
        case .refused(let feature): "a YAML \(feature) is not allowed here; write the value itself"
        case .keyIsNotText: "found a list or a mapping, expected a key"
        case .repeatedKey(let other): Self.repeated(other)
        case .unknownKey(let nearest, let known): Self.unknown(nearest, known)
        case .value(let found, let expected): "found \(found), expected \(expected)"
        }
    }

    private static func repeated(_ otherLine: Int?) -> String {
        let other = otherLine.map { " (also in line \($0))" } ?? ""
        return "this key is given more than once\(other); keep one"
    }

    private static func unknown(_ nearest: String?, _ known: [String]) -> String {
        if let nearest { return "unknown key; did you mean \"\(nearest)\"?" }
        return "unknown key; the keys here are \(known.joined(separator: ", "))"
    }
}
