// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// The targets and the arrows between them are documented in docs/architecture.md, and
// scripts/check-targets (part of `make test`) compares the two.

import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let c: [CSetting] = [
    .define("_GNU_SOURCE"),
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

func cTarget(_ name: String) -> Target {
    .target(name: name, cSettings: c)
}

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swift)
}

func tool(
    _ name: String, _ dependencies: [Target.Dependency], path: String? = nil
) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: swift)
}

func embedding(
    _ name: String, _ resource: String, _ dependencies: [Target.Dependency]
) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: [.embedInCode(resource)],
        swiftSettings: swift)
}

func support(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Tests/Support/\(name)",
        swiftSettings: swift)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, resources: [], swiftSettings: swift)
}

let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "metrng",
    products: [
        .executable(name: "mectl", targets: ["mectl"]),
        .executable(name: "metrngd", targets: ["metrngd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        cTarget("CLinux"),
        target("LinuxPlatform", ["CLinux"]),
        target("Varlink", ["LinuxPlatform"]),
        embedding("ControlInterface", "org.metrng.Control.varlink", ["Varlink"]),
        target("ControlCommands", [arguments, "ControlInterface", "LinuxPlatform", "Varlink"]),
        tool("mectl", ["ControlCommands"]),
        tool("metrngd", [crypto, logging, yams, arguments, "LinuxPlatform"]),
        .target(name: "CTestSupport", path: "Tests/Support/CTestSupport", cSettings: c),
        support("VarlinkTestSupport", ["CTestSupport", "LinuxPlatform"]),
        tests("VarlinkTests", ["Varlink", "LinuxPlatform", "VarlinkTestSupport"]),
        support(
            "ControlTestSupport",
            ["ControlInterface", "LinuxPlatform", "Varlink", "VarlinkTestSupport"]),
        tests("ControlInterfaceTests", ["ControlInterface", "ControlTestSupport", "Varlink"]),
        tests(
            "ControlCommandsTests",
            [
                "ControlCommands", "ControlInterface", "ControlTestSupport", "LinuxPlatform",
                "Varlink", "VarlinkTestSupport",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
