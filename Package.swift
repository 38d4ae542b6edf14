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

func cTarget(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, cSettings: c)
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
    _ name: String, _ resources: [String], _ dependencies: [Target.Dependency]
) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: resources.map { .embedInCode($0) },
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
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "metrng",
    products: [
        .library(name: "EntropyClient", targets: ["EntropyClient", "EntropyTerms"]),
        .executable(name: "mectl", targets: ["mectl"]),
        .executable(name: "metrngd", targets: ["metrngd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        cTarget("CLinux"),
        cTarget("CKernels"),
        target("LinuxPlatform", ["CLinux"]),
        target("EntropyTerms"),
        target("Boards", ["CKernels", "EntropyTerms"]),
        embedding(
            "DevicePhysics", ["quarterPeriod.surface", "damped.surface"], ["CKernels"]),
        target("Recordings", ["Boards", "CKernels", "EntropyTerms", "LinuxPlatform"]),
        target("HostSource", ["Boards", "EntropyTerms", "LinuxPlatform"]),
        target(
            "SimulatedBoard",
            ["Boards", "CKernels", "DevicePhysics", "EntropyTerms", "LinuxPlatform"]),
        target("BoardProtocol", ["Boards"]),
        .systemLibrary(
            name: "CLibUSB", pkgConfig: "libusb-1.0", providers: [.apt(["libusb-1.0-0-dev"])]),
        cTarget("CBoardLink", ["CLibUSB", "CLinux"]),
        target(
            "USBBoard",
            ["BoardProtocol", "Boards", "CBoardLink", "EntropyTerms", "LinuxPlatform"]),
        target("BoardCheck", ["BoardProtocol", "Boards", "USBBoard"]),
        .systemLibrary(
            name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(
            name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        target("SystemCrypto", ["CLibCrypto"]),
        target("SystemdSupport", ["CLinux", "CSystemd", "LinuxPlatform"]),
        .systemLibrary(
            name: "CUMockdev", pkgConfig: "umockdev-1.0", providers: [.apt(["libumockdev-dev"])]),
        .target(name: "CUsbfsEmulation", dependencies: ["CUMockdev"], cSettings: c),
        target("SoftwareUSB", ["CUsbfsEmulation", "LinuxPlatform"]),
        target(
            "SoftwareBoard", ["BoardProtocol", "Boards", "SimulatedBoard", "SoftwareUSB"]),
        target("LaneHealth", ["CKernels"]),
        target("Conditioning", ["CKernels", "SystemCrypto"]),
        target("OperatingPointControl", ["Boards"]),
        target("EntropyRing", ["EntropyTerms", "LinuxPlatform"]),
        target(
            "EntropyPipeline",
            [
                "Boards", "CKernels", "Conditioning", "EntropyRing", "EntropyTerms", "LaneHealth",
                "LinuxPlatform", "OperatingPointControl",
            ]),
        target("EntropyProtocol", ["EntropyTerms"]),
        target(
            "EntropyServer",
            ["CLinux", "EntropyProtocol", "EntropyRing", "EntropyTerms", "LinuxPlatform"]),
        target("EntropyClient", ["EntropyProtocol", "EntropyTerms", "LinuxPlatform"]),
        target("DaemonConfiguration", [yams, "Boards", "DevicePhysics", "LinuxPlatform"]),
        target("KernelFeeding", ["EntropyClient", "EntropyTerms", "LinuxPlatform"]),
        target("Varlink", ["LinuxPlatform"]),
        embedding(
            "ControlInterface", ["org.metrng.Control.varlink"], ["LinuxPlatform", "Varlink"]),
        target(
            "ControlCommands",
            [
                "BoardCheck", "BoardProtocol", "Boards", "ControlInterface", "EntropyClient",
                "EntropyTerms", "LinuxPlatform",
                "Recordings", "SystemdSupport", "USBBoard", "Varlink", arguments,
            ]),
        tool("mectl", ["ControlCommands"]),
        tool(
            "meboard",
            ["DevicePhysics", "SimulatedBoard", "SoftwareBoard", "SoftwareUSB", arguments]),
        tool("switching-surfaces", ["DevicePhysics", arguments]),
        tool(
            "metrngd",
            [
                "Boards", "Conditioning", "ControlInterface", "DaemonConfiguration",
                "DevicePhysics", "EntropyPipeline", "EntropyRing", "EntropyServer",
                "EntropyTerms", "HostSource", "KernelFeeding", "LaneHealth", "LinuxPlatform",
                "OperatingPointControl", "Recordings", "SimulatedBoard", "SystemdSupport",
                "USBBoard",
                "Varlink", arguments, logging,
            ]),

        // Benchmarks, tests, and what only these use.
        tool(
            "metrng-benchmark", ["CKernels", "LaneHealth", "LaneHealthReference", "SystemCrypto"],
            path: "Benchmarks/Kernels"),
        .executableTarget(
            name: "usb-reader", dependencies: ["CLibUSB"], path: "Benchmarks/USBReader",
            cSettings: c),
        tool("cable-reader", ["Boards", "USBBoard"], path: "Benchmarks/CableReader"),
        .target(name: "CTestSupport", path: "Tests/Support/CTestSupport", cSettings: c),
        support("TestSupport", ["CTestSupport", "LinuxPlatform"]),
        tool(
            "lane-sample", ["Boards", "DevicePhysics", "SimulatedBoard"],
            path: "Tests/Support/LaneSample"),
        tests(
            "DaemonConfigurationTests",
            ["Boards", "DaemonConfiguration", "DevicePhysics", "TestSupport"]),
        tests("VarlinkTests", ["Varlink", "LinuxPlatform", "TestSupport"]),
        support(
            "ControlTestSupport",
            ["ControlInterface", "LinuxPlatform", "Varlink", "TestSupport"]),
        tests(
            "ControlInterfaceTests",
            ["ControlInterface", "ControlTestSupport", "LinuxPlatform", "TestSupport", "Varlink"]),
        tests(
            "ControlCommandsTests",
            [
                "Boards", "ControlCommands", "ControlInterface", "ControlTestSupport",
                "EntropyTerms", "LinuxPlatform", "Recordings", "Varlink", "TestSupport",
            ]),
        tests(
            "DaemonTests",
            [
                "EntropyClient", "EntropyTerms", "LinuxPlatform", "TestSupport", "meboard",
                "metrngd", "mectl",
            ]),
        support("TestMaterials", ["CKernels", "TestSupport"]),
        support("MacrospinReference", []),
        support("LaneHealthReference", ["LaneHealth"]),
        tests(
            "CKernelsTests",
            ["CKernels", "MacrospinReference", "TestMaterials", "TestSupport", "SystemCrypto"]),
        tests("CBoardLinkTests", ["CBoardLink"]),
        tests("BoardsTests", ["Boards", "EntropyTerms", "TestMaterials", "TestSupport"]),
        tests("BoardProtocolTests", ["BoardProtocol", "Boards", "TestSupport"]),
        tests("SoftwareUSBTests", ["LinuxPlatform", "SoftwareUSB"]),
        tests(
            "SoftwareBoardTests",
            [
                "BoardProtocol", "Boards", "DevicePhysics", "SimulatedBoard", "SoftwareBoard",
                "SoftwareUSB", "TestSupport",
            ]),
        tests(
            "RecordingsTests",
            ["Boards", "EntropyTerms", "LinuxPlatform", "Recordings", "TestSupport"]),
        tests(
            "HostSourceTests",
            ["Boards", "EntropyTerms", "HostSource", "LinuxPlatform", "TestSupport"]),
        tests("SystemdSupportTests", ["LinuxPlatform", "SystemdSupport", "TestSupport"]),
        tests("DevicePhysicsTests", ["DevicePhysics", "TestMaterials", "TestSupport"]),
        tests(
            "SimulatedBoardTests",
            [
                "Boards", "DevicePhysics", "EntropyTerms", "LaneHealth", "LinuxPlatform",
                "OperatingPointControl",
                "SimulatedBoard", "TestMaterials", "TestSupport",
            ]),
        tests(
            "LaneHealthTests",
            ["CKernels", "LaneHealth", "LaneHealthReference", "TestMaterials", "TestSupport"]),
        support(
            "PlaneTestSupport",
            [
                "Boards", "EntropyProtocol", "EntropyRing", "EntropyServer", "EntropyTerms",
                "LaneHealth", "LinuxPlatform", "TestSupport",
            ]),
        tests(
            "LinuxPlatformTests",
            ["CTestSupport", "LinuxPlatform", "PlaneTestSupport", "TestSupport"]),
        tests(
            "EntropyRingTests",
            ["EntropyRing", "EntropyTerms", "LinuxPlatform", "PlaneTestSupport", "TestSupport"]),
        tests(
            "EntropyPipelineTests",
            [
                "Boards", "Conditioning", "DevicePhysics", "EntropyPipeline", "EntropyRing",
                "EntropyTerms", "LaneHealth", "LinuxPlatform", "OperatingPointControl",
                "PlaneTestSupport", "SimulatedBoard", "SystemCrypto", "TestSupport",
            ]),
        tests(
            "EntropyProtocolTests",
            ["EntropyProtocol", "EntropyTerms", "PlaneTestSupport", "TestSupport"]),
        tests(
            "OperatingPointControlTests", ["Boards", "OperatingPointControl", "TestSupport"]),
        tests(
            "ConditioningTests",
            ["CKernels", "Conditioning", "TestMaterials", "TestSupport", "SystemCrypto"]),
        tests(
            "EntropyClientTests",
            [
                "EntropyClient", "EntropyProtocol", "EntropyRing", "EntropyServer", "EntropyTerms",
                "LinuxPlatform", "PlaneTestSupport", "TestSupport",
            ]),
        tests(
            "KernelFeedingTests",
            [
                "EntropyProtocol", "EntropyRing", "EntropyServer", "EntropyTerms",
                "KernelFeeding", "LinuxPlatform", "PlaneTestSupport", "TestSupport",
            ]),
        tests(
            "EntropyServerTests",
            [
                "EntropyProtocol", "EntropyRing", "EntropyServer", "EntropyTerms", "LinuxPlatform",
                "PlaneTestSupport", "TestSupport",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
