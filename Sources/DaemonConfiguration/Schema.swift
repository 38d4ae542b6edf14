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
    /// Whether a running daemon takes up a new value.
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
                .value("startUpWindows", \.health.startUpWindows, .whole(1...1000)),
                .value(
                    "minimumGoodLanesPercent", \.health.minimumGoodLanesPercent, .whole(1...100)),
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
                    "maximumClients", \.entropy.maximumClients, .whole(1...65536), appliesLive: true
                ),
                .value("socketMode", \.entropy.socketMode, .mode),
            ]),
        .section(
            "control",
            [
                .value(
                    "maximumClients", \.control.maximumClients, .whole(1...1024), appliesLive: true),
                .value("socketMode", \.control.socketMode, .mode),
            ]),
    ]
}

extension BoardSettings {
    static let fields: [Field<BoardSettings>] = [
        .value("name", \.name, .name(limit: 32)),
        .value("kind", \.kind, .choice),
        .value("lanes", \.lanes, .multiple(of: 64, 64...4096)),
        .value("seed", \.seed, .seed),
        .value("shotsPerFrame", \.shotsPerFrame, .whole(1...4096)),
        .value("shotsPerSecond", \.shotsPerSecond, .number(1...1e9)),
        .section(
            "array",
            [
                .value("preset", \.array.preset, .choice),
                .value("temperatureKelvin", \.array.temperatureKelvin, .number(200...500)),
                .section(
                    "spread",
                    [
                        .value("diameter", \.array.spread.diameter, .number(0...0.2)),
                        .value("anisotropy", \.array.spread.anisotropyEnergy, .number(0...0.05)),
                        .value("resistanceArea", \.array.spread.resistanceArea, .number(0...0.15)),
                        .value(
                            "strayFieldMicrotesla", \.array.spread.strayFieldMicrotesla,
                            .number(0...5000)),
                    ]),
                .value("deadDeviceFraction", \.array.spread.deadDeviceFraction, .number(0...1)),
                .section(
                    "drift",
                    [
                        .value("deviation", \.array.drift.deviation, .number(0...0.5)),
                        .value("seconds", \.array.drift.seconds, .number(0.001...1e9)),
                    ]),
                .section(
                    "memory",
                    [
                        .value("amplitude", \.array.memory.amplitude, .number(0...0.5)),
                        .value("microseconds", \.array.memory.microseconds, .number(0.1...100)),
                    ]),
                .value("readErrorRate", \.array.readErrorRate, .number(0...0.1)),
                .value("commonModeAmplitude", \.array.commonModeAmplitude, .number(0...0.5)),
            ]),
    ]
}
