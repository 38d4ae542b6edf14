// SPDX-License-Identifier: Apache-2.0

import DevicePhysics

/// Where in an `Owner` a setting is kept.
typealias SettingPath<Owner, Value> = any WritableKeyPath<Owner, Value> & Sendable

/// A key of the configuration and what may stand behind it, for settings kept in an `Owner`.
///
/// Reading, rendering, comparing and the test of the manual all walk these tables, so what a key
/// allows is written here and nowhere else.
enum Field<Owner: Sendable>: Sendable {
    case value(String, Leaf<Owner>)
    case section(String, [Field])
    case boards(String, SettingPath<Owner, [BoardSettings]>)

    var name: String {
        switch self {
        case .value(let name, _), .section(let name, _), .boards(let name, _): name
        }
    }

    static func value<Value>(
        _ name: String, _ path: SettingPath<Owner, Value>, _ form: Form<Value>,
        appliesLive: Bool = false
    ) -> Field {
        .value(name, Leaf(path, form, appliesLive: appliesLive))
    }
}

/// One setting of an `Owner`, whatever its type.
struct Leaf<Owner: Sendable>: Sendable {
    let expected: String
    /// Whether a running daemon applies a new value.
    let appliesLive: Bool
    /// Reads the value into the owner; `false` when it is not what is expected.
    let read: @Sendable (YAMLScalar, inout Owner) -> Bool
    let render: @Sendable (Owner) -> String

    init<Value>(
        _ path: SettingPath<Owner, Value>, _ form: Form<Value>, appliesLive: Bool
    ) {
        expected = form.expected
        self.appliesLive = appliesLive
        read = { scalar, owner in
            guard let value = form.parse(scalar) else { return false }
            owner[keyPath: path] = value
            return true
        }
        render = { form.render($0[keyPath: path]) }
    }
}

extension DaemonSettings {
    /// The longest name of a Unix socket is 107 bytes, of which "/entropy.sock" takes 13.
    static let runtimeDirectoryForm = Form<String>.directory(limit: 94)

    private static let ringBytes = Form<Int>.powerOfTwo(64 << 10...256 << 20)

    static let fields: [Field<DaemonSettings>] = [
        .value("runtimeDirectory", \.runtimeDirectory, runtimeDirectoryForm),
        .section("log", [.value("level", \.log.level, .choice, appliesLive: true)]),
        .boards("boards", \.boards),
        .section(
            "health",
            [
                .value("claimedEntropyPerBit", \.health.claimedEntropyPerBit, .number(0.1...1)),
                .value("startUpWindows", \.health.startUpWindows, .integer(1...1000)),
                .value(
                    "minimumGoodLanesPercent", \.health.minimumGoodLanesPercent, .integer(1...100)),
            ]),
        .section(
            "rings",
            [
                .value("fullBytes", \.rings.fullBytes, ringBytes),
                .value("rawBytes", \.rings.rawBytes, ringBytes),
                .value("lockMemory", \.rings.lockMemory, .choice),
            ]),
        .section(
            "entropy",
            [
                .value(
                    "maximumClients", \.entropy.maximumClients, .integer(1...65536),
                    appliesLive: true
                ),
                .value("socketMode", \.entropy.socketMode, .mode),
            ]),
        .section(
            "control",
            [
                .value(
                    "maximumClients", \.control.maximumClients, .integer(1...1024),
                    appliesLive: true),
                .value("socketMode", \.control.socketMode, .mode),
            ]),
        .section(
            "egd",
            [
                .value("serve", \.egd.serve, .boolean),
                .value("allowSimulated", \.egd.allowSimulated, .boolean),
                .value("maximumClients", \.egd.maximumClients, .integer(1...1024)),
                .value("socketMode", \.egd.socketMode, .mode),
            ]),
        .section(
            "kernel",
            [
                .value("feed", \.kernel.feed, .boolean),
                .value("intervalSeconds", \.kernel.intervalSeconds, .integer(1...86_400)),
                .value("bytes", \.kernel.bytes, .multiple(of: 32, 32...4096)),
            ]),
    ]
}
