// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// The targets and the arrows between them are documented in docs/architecture.md, and
// scripts/check targets (part of `make check`) compares the two.

import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let c: [CSetting] = [
    .headerSearchPath("."),
    .define("_GNU_SOURCE"),
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

func cTarget(_ name: String, in room: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(room)/\(name)", cSettings: c)
}

func system(
    _ name: String, in room: String, pkgConfig: String, package: String
) -> Target {
    .systemLibrary(
        name: name, path: "Sources/\(room)/\(name)", pkgConfig: pkgConfig,
        providers: [.apt([package])])
}

func target(
    _ name: String, in room: String, _ dependencies: [Target.Dependency],
    embedding resources: [String] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(room)/\(name)",
        resources: resources.map { .embedInCode($0) }, swiftSettings: swift)
}

func tool(_ name: String, path: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: swift)
}

func tool(_ name: String, in room: String, _ dependencies: [Target.Dependency]) -> Target {
    tool(name, path: "Sources/\(room)/\(name)", dependencies)
}

func support(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Tests/Support/\(name)",
        swiftSettings: swift)
}

func tests(_ name: String, in room: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(room)/\(name)",
        swiftSettings: swift)
}

let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "metrng",
    products: [
        .library(name: "DenoisingNetworks", targets: ["DenoisingNetworks"]),
        .library(name: "EntropyClient", targets: ["EntropyClient", "EntropyTerms"]),
        .library(name: "Diffusion", targets: ["Diffusion", "EntropyClient", "EntropyTerms"]),
        .executable(name: "mectl", targets: ["mectl"]),
        .executable(name: "mediffuse", targets: ["mediffuse"]),
        .executable(name: "metrngd", targets: ["metrngd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // Platform
        cTarget("CLinux", in: "Platform", []),
        target("LinuxPlatform", in: "Platform", ["CLinux"]),
        cTarget("CKernelSupport", in: "Platform", []),
        system("CLibCrypto", in: "Platform", pkgConfig: "libcrypto", package: "libssl-dev"),
        target("SystemCrypto", in: "Platform", ["CLibCrypto"]),
        system("CSystemd", in: "Platform", pkgConfig: "libsystemd", package: "libsystemd-dev"),
        target("SystemdSupport", in: "Platform", ["CLinux", "CSystemd", "LinuxPlatform"]),
        target("Varlink", in: "Platform", ["LinuxPlatform"]),
        system("CPNG", in: "Platform", pkgConfig: "libpng", package: "libpng-dev"),
        target("PNGFiles", in: "Platform", ["CPNG"]),

        // Protocols
        target("EntropyTerms", in: "Protocols", []),
        target("EGDProtocol", in: "Protocols", []),
        target("EntropyProtocol", in: "Protocols", ["EntropyTerms"]),
        cTarget("CChecksum", in: "Protocols", ["CKernelSupport"]),
        target("BoardProtocol", in: "Protocols", ["CChecksum", "CKernelSupport", "EntropyTerms"]),
        target("LeaseProtocol", in: "Protocols", ["BoardProtocol"]),
        target(
            "RecordingFormat", in: "Protocols",
            ["BoardProtocol", "CChecksum", "CKernelSupport", "EntropyTerms", "LinuxPlatform"]),

        // Boards
        target("BoardInterface", in: "Boards", ["BoardProtocol"]),
        target("HostSource", in: "Boards", ["BoardInterface", "BoardProtocol", "EntropyTerms", "LinuxPlatform"]),
        target(
            "Recordings", in: "Boards",
            ["BoardInterface", "BoardProtocol", "EntropyTerms", "LinuxPlatform", "RecordingFormat"]),

        // Boards/USB
        system("CLibUSB", in: "Boards/USB", pkgConfig: "libusb-1.0", package: "libusb-1.0-0-dev"),
        cTarget("CBoardLink", in: "Boards/USB", ["CLibUSB", "CLinux"]),
        target(
            "USBBoard", in: "Boards/USB",
            ["BoardInterface", "BoardProtocol", "CBoardLink", "EntropyTerms", "LinuxPlatform"]),
        target("BoardCheck", in: "Boards/USB", ["BoardInterface", "BoardProtocol", "USBBoard"]),

        // Boards/Simulated
        cTarget("CSimulationKernels", in: "Boards/Simulated", ["CKernelSupport"]),
        target(
            "DevicePhysics", in: "Boards/Simulated", ["BoardProtocol", "CKernelSupport", "CSimulationKernels"],
            embedding: ["quarterPeriod.surface", "quarterPeriodWeak.surface", "damped.surface", "dampedWeak.surface"]),
        target(
            "SimulatedBoard", in: "Boards/Simulated",
            [
                "BoardInterface", "BoardProtocol", "CKernelSupport", "CSimulationKernels", "DevicePhysics",
                "EntropyTerms", "LinuxPlatform",
            ]),
        tool("switching-surfaces", in: "Boards/Simulated", [arguments, "DevicePhysics"]),

        // Array
        target("OperatingPointControl", in: "Array", ["BoardProtocol"]),
        target(
            "BoardOperations", in: "Array",
            ["BoardInterface", "BoardProtocol", "EntropyTerms", "LinuxPlatform", "OperatingPointControl"]),

        target(
            "ArrayLeases", in: "Array", ["BoardInterface", "BoardProtocol", "LeaseProtocol", "LinuxPlatform"]),

        // Entropy
        cTarget("CEntropyKernels", in: "Entropy", ["CKernelSupport"]),
        target("LaneHealth", in: "Entropy", ["CEntropyKernels", "CKernelSupport"]),
        target("Conditioning", in: "Entropy", ["CEntropyKernels", "CKernelSupport", "SystemCrypto"]),
        target("EntropyRing", in: "Entropy", ["EntropyTerms", "LinuxPlatform"]),
        target(
            "EntropyPipeline", in: "Entropy",
            [
                "ArrayLeases", "BoardInterface", "BoardOperations", "BoardProtocol", "CEntropyKernels",
                "CKernelSupport", "Conditioning", "EntropyRing", "EntropyTerms", "LaneHealth", "LeaseProtocol",
                "LinuxPlatform", "OperatingPointControl",
            ]),
        target(
            "EntropyServer", in: "Entropy",
            ["EGDProtocol", "EntropyProtocol", "EntropyRing", "EntropyTerms", "LinuxPlatform"]),
        target("KernelFeeding", in: "Entropy", ["EntropyClient", "EntropyTerms", "LinuxPlatform"]),

        // Control
        target(
            "ControlInterface", in: "Control",
            ["BoardOperations", "BoardProtocol", "EntropyTerms", "LinuxPlatform", "Varlink"],
            embedding: ["org.metrng.Control.varlink"]),
        target(
            "DaemonConfiguration", in: "Control",
            ["BoardInterface", "BoardProtocol", "DevicePhysics", "EntropyTerms", "LinuxPlatform", yams]),

        // Clients
        .target(
            name: "CMetrng", path: "Sources/Clients/CMetrng", exclude: ["libmetrng.map", "metrng.pc.in"], cSettings: c),
        target("EntropyClient", in: "Clients", ["CMetrng", "EntropyProtocol", "EntropyTerms", "LinuxPlatform"]),
        target(
            "Diffusion", in: "Clients",
            ["BoardProtocol", "EntropyClient", "EntropyTerms", "LeaseProtocol", "LinuxPlatform", "Varlink"]),
        system("COpenBLAS", in: "Clients", pkgConfig: "openblas", package: "libopenblas-dev"),
        cTarget("CNetworkKernels", in: "Clients", ["CKernelSupport"]),
        target(
            "DenoisingNetworks", in: "Clients",
            [
                "CKernelSupport", "CNetworkKernels", "COpenBLAS", "Diffusion", "EntropyTerms", "LinuxPlatform",
                "SystemCrypto",
            ]),

        // Examples
        tool("langevin", path: "examples/swift/langevin", ["EntropyClient"]),
        tool("langevin-software", path: "examples/swift/langevin-software", []),

        // Programs
        target(
            "MetrngDaemon", in: "Programs",
            [
                arguments, "ArrayLeases", "BoardInterface", "BoardOperations", "BoardProtocol", "Conditioning",
                "ControlInterface",
                "DaemonConfiguration", "DevicePhysics", "EntropyPipeline", "EntropyRing", "EntropyServer",
                "EntropyTerms", "HostSource", "KernelFeeding", "LaneHealth", "LinuxPlatform", logging,
                "OperatingPointControl", "RecordingFormat", "Recordings", "SimulatedBoard", "SystemdSupport",
                "USBBoard", "Varlink",
            ]),
        tool("metrngd", in: "Programs", ["MetrngDaemon"]),
        target(
            "ControlCommands", in: "Programs",
            [
                arguments, "BoardCheck", "BoardInterface", "BoardOperations", "BoardProtocol", "ControlInterface",
                "CMetrng", "EntropyClient", "EntropyTerms", "LinuxPlatform", "OperatingPointControl", "RecordingFormat",
                "Recordings", "SystemdSupport", "USBBoard", "Varlink",
            ]),
        tool("mectl", in: "Programs", ["ControlCommands", "LinuxPlatform"]),
        target(
            "MediffuseCommands", in: "Programs",
            [
                arguments, "BoardProtocol", "ControlInterface", "Diffusion", "EntropyClient", "EntropyTerms",
                "LinuxPlatform",
                "PNGFiles", "SystemCrypto", "Varlink",
            ]),
        tool(
            "mediffuse", in: "Programs",
            ["DenoisingNetworks", "Diffusion", "LinuxPlatform", "MediffuseCommands"]),

        // Testbench
        system("CUMockdev", in: "Testbench", pkgConfig: "umockdev-1.0", package: "libumockdev-dev"),
        cTarget("CUsbfsEmulation", in: "Testbench", ["CUMockdev"]),
        target("SoftwareUSB", in: "Testbench", ["CUsbfsEmulation", "LinuxPlatform"]),
        target("SoftwareBoard", in: "Testbench", ["BoardInterface", "BoardProtocol", "SimulatedBoard", "SoftwareUSB"]),
        tool(
            "meboard", in: "Testbench",
            [arguments, "BoardProtocol", "DevicePhysics", "SimulatedBoard", "SoftwareBoard", "SoftwareUSB"]),

        // Benchmarks
        tool(
            "metrng-benchmark", path: "Benchmarks/Kernels",
            [
                "CChecksum", "CEntropyKernels", "CKernelSupport", "CSimulationKernels", "LaneHealth",
                "LaneHealthReference", "SystemCrypto",
            ]),
        tool("network-benchmark", path: "Benchmarks/Networks", ["DenoisingNetworks", "Diffusion", "LinuxPlatform"]),
        tool("cable-reader", path: "Benchmarks/CableReader", ["BoardProtocol", "USBBoard"]),
        tool("aside-cycles", path: "Benchmarks/AsideCycles", ["BoardInterface", "BoardProtocol", "USBBoard"]),
        .executableTarget(
            name: "usb-reader", dependencies: ["CLibUSB"], path: "Benchmarks/USBReader",
            cSettings: c),

        // What only tests use
        .target(name: "CTestSupport", path: "Tests/Support/CTestSupport", cSettings: c),
        .target(name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter", cSettings: c),
        support("AllocationCounting", ["CAllocationCounter"]),
        support("TestSupport", ["CTestSupport", "LinuxPlatform"]),
        support("TestMaterials", ["CKernelSupport", "TestSupport"]),
        support("MacrospinReference", []),
        support("LaneHealthReference", ["LaneHealth"]),
        support(
            "ControlTestSupport",
            [
                "BoardInterface", "BoardOperations", "BoardProtocol", "ControlInterface", "EntropyTerms",
                "LinuxPlatform", "TestSupport", "Varlink",
            ]),
        support(
            "PlaneTestSupport",
            [
                "BoardInterface", "BoardProtocol", "EntropyProtocol", "EntropyRing", "EntropyServer", "EntropyTerms",
                "LaneHealth", "LinuxPlatform", "TestSupport",
            ]),
        support(
            "DiffusionTestSupport",
            [
                "BoardProtocol", "Diffusion", "EntropyTerms", "LeaseProtocol", "LinuxPlatform", "TestSupport",
                "Varlink",
            ]),
        support(
            "ArrayContract", ["BoardInterface", "BoardProtocol", "DevicePhysics", "SimulatedBoard", "TestSupport"]),
        tool(
            "array-contract", path: "Tests/Support/ArrayContractTool",
            ["ArrayContract", "BoardInterface", "SoftwareBoard", "SoftwareUSB", "USBBoard"]),
        tool("lane-sample", path: "Tests/Support/LaneSample", ["BoardProtocol", "DevicePhysics", "SimulatedBoard"]),

        // The simulation of the whole daemon: see Tests/Simulation/README.md
        .target(
            name: "DaemonSimulation",
            dependencies: [
                "BoardInterface", "BoardOperations", "BoardProtocol", "EntropyPipeline", "EntropyProtocol",
                "EntropyRing", "EntropyServer", "EntropyTerms", "LinuxPlatform", "OperatingPointControl",
                "PlaneTestSupport", "TestSupport",
            ], path: "Tests/Simulation/DaemonSimulation", swiftSettings: swift),
        tool("simulate-daemon", path: "Tests/Simulation/Simulate", [arguments, "DaemonSimulation"]),
        tests("SimulationTests", in: "Simulation", ["DaemonSimulation", "TestSupport"]),

        // Fuzz targets: see Tests/Fuzz/README.md
        .target(name: "CFuzzDriver", path: "Tests/Fuzz/CFuzzDriver", cSettings: c),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "BoardInterface", "BoardOperations", "BoardProtocol", "CFuzzDriver", "ControlInterface",
                "ControlTestSupport", "DaemonConfiguration", "DenoisingNetworks", "DevicePhysics", "EntropyClient",
                "EntropyProtocol", "EntropyServer", "EntropyTerms", "LinuxPlatform", "RecordingFormat", "Recordings",
                "SimulatedBoard",
                "SoftwareBoard", "SoftwareUSB", "TestSupport", "Varlink",
            ], path: "Tests/Fuzz/FuzzTargets", swiftSettings: swift),
        tool("fuzz-parsers", path: "Tests/Fuzz/FuzzParsers", ["CFuzzDriver", "FuzzTargets", "TestSupport"]),
        tests("FuzzTests", in: "Fuzz", ["FuzzTargets", "TestSupport", "fuzz-parsers"]),

        tests("AllocationCountingTests", in: "Support", ["AllocationCounting", "LinuxPlatform", "TestSupport"]),

        // Tests of Platform
        tests(
            "LinuxPlatformTests", in: "Platform",
            ["CLinux", "CTestSupport", "LinuxPlatform", "PlaneTestSupport", "TestSupport"]),
        tests("SystemdSupportTests", in: "Platform", ["LinuxPlatform", "SystemdSupport", "TestSupport"]),
        tests("VarlinkTests", in: "Platform", ["LinuxPlatform", "TestSupport", "Varlink"]),
        tests("PNGFilesTests", in: "Platform", ["PNGFiles", "TestSupport"]),

        // Tests of Protocols
        tests(
            "BoardProtocolTests", in: "Protocols",
            ["BoardInterface", "BoardProtocol", "EntropyTerms", "TestMaterials", "TestSupport"]),
        tests("CChecksumTests", in: "Protocols", ["CChecksum", "TestMaterials", "TestSupport"]),
        tests(
            "EntropyProtocolTests", in: "Protocols",
            ["EntropyProtocol", "EntropyTerms", "PlaneTestSupport", "TestSupport"]),

        // Tests of Boards
        tests(
            "ArrayBoardTests", in: "Boards",
            ["ArrayContract", "BoardInterface", "BoardProtocol", "SimulatedBoard", "TestSupport", "array-contract"]),
        tests("BoardInterfaceTests", in: "Boards", ["BoardInterface", "BoardProtocol", "TestSupport"]),
        tests(
            "HostSourceTests", in: "Boards",
            ["BoardInterface", "BoardProtocol", "EntropyTerms", "HostSource", "LinuxPlatform", "TestSupport"]),
        tests(
            "RecordingsTests", in: "Boards",
            [
                "BoardInterface", "BoardProtocol", "EntropyTerms", "LinuxPlatform", "RecordingFormat", "Recordings",
                "TestSupport",
            ]),

        // Tests of Boards/USB
        tests("CBoardLinkTests", in: "Boards/USB", ["CBoardLink"]),

        // Tests of Boards/Simulated
        tests(
            "CSimulationKernelsTests", in: "Boards/Simulated",
            ["CKernelSupport", "CSimulationKernels", "MacrospinReference", "TestMaterials", "TestSupport"]),
        tests(
            "DevicePhysicsTests", in: "Boards/Simulated",
            ["BoardProtocol", "DevicePhysics", "TestMaterials", "TestSupport"]),
        tests(
            "SimulatedBoardTests", in: "Boards/Simulated",
            [
                "BoardInterface", "BoardProtocol", "DevicePhysics", "EntropyTerms", "LaneHealth", "LinuxPlatform",
                "OperatingPointControl", "SimulatedBoard", "TestMaterials", "TestSupport",
            ]),

        // Tests of Array
        tests(
            "ArrayLeasesTests", in: "Array",
            [
                "ArrayLeases", "BoardInterface", "BoardProtocol", "EntropyTerms", "LeaseProtocol", "LinuxPlatform",
                "TestSupport",
            ]),
        tests("OperatingPointControlTests", in: "Array", ["BoardProtocol", "OperatingPointControl", "TestSupport"]),

        // Tests of Entropy
        tests(
            "CEntropyKernelsTests", in: "Entropy",
            ["CEntropyKernels", "CKernelSupport", "SystemCrypto", "TestMaterials", "TestSupport"]),
        tests(
            "ConditioningTests", in: "Entropy",
            ["CKernelSupport", "Conditioning", "SystemCrypto", "TestMaterials", "TestSupport"]),
        tests(
            "EntropyPipelineTests", in: "Entropy",
            [
                "AllocationCounting", "BoardInterface", "BoardOperations", "BoardProtocol", "Conditioning",
                "DevicePhysics", "EntropyPipeline", "EntropyRing", "EntropyTerms", "LaneHealth", "LinuxPlatform",
                "OperatingPointControl", "PlaneTestSupport", "SimulatedBoard", "SystemCrypto", "TestSupport",
            ]),
        tests(
            "EntropyRingTests", in: "Entropy",
            ["AllocationCounting", "EntropyRing", "EntropyTerms", "LinuxPlatform", "PlaneTestSupport", "TestSupport"]),
        tests(
            "EntropyServerTests", in: "Entropy",
            [
                "AllocationCounting", "EntropyProtocol", "EntropyRing", "EntropyServer", "EntropyTerms",
                "LinuxPlatform", "PlaneTestSupport", "TestSupport",
            ]),
        tests(
            "KernelFeedingTests", in: "Entropy",
            [
                "EntropyClient", "EntropyRing", "EntropyTerms", "KernelFeeding", "LinuxPlatform", "PlaneTestSupport",
                "TestSupport",
            ]),
        tests(
            "LaneHealthTests", in: "Entropy",
            [
                "CEntropyKernels", "CKernelSupport", "CSimulationKernels", "LaneHealth", "LaneHealthReference",
                "TestMaterials", "TestSupport",
            ]),

        // Tests of Control
        tests(
            "ControlInterfaceTests", in: "Control",
            [
                "BoardOperations", "BoardProtocol", "ControlInterface", "ControlTestSupport", "EntropyTerms",
                "LinuxPlatform", "OperatingPointControl", "TestSupport", "Varlink",
            ]),
        tests(
            "DaemonConfigurationTests", in: "Control",
            ["BoardInterface", "BoardProtocol", "DaemonConfiguration", "DevicePhysics", "TestSupport"]),

        // Tests of Clients
        tests(
            "EntropyClientTests", in: "Clients",
            [
                "AllocationCounting", "CTestSupport", "EntropyClient", "EntropyProtocol", "EntropyRing",
                "EntropyServer", "EntropyTerms", "LinuxPlatform", "PlaneTestSupport", "TestSupport",
            ]),

        tests(
            "DiffusionTests", in: "Clients",
            [
                "BoardProtocol", "CTestSupport", "Diffusion", "DiffusionTestSupport", "EntropyTerms", "LeaseProtocol",
                "LinuxPlatform", "TestSupport", "Varlink",
            ]),
        tests(
            "DenoisingNetworksTests", in: "Clients",
            ["CNetworkKernels", "DenoisingNetworks", "Diffusion", "TestMaterials", "TestSupport"]),

        // Tests of Programs
        tests(
            "ControlCommandsTests", in: "Programs",
            [
                "BoardOperations", "BoardProtocol", "ControlCommands", "ControlInterface", "ControlTestSupport",
                "EntropyTerms", "LinuxPlatform", "OperatingPointControl", "RecordingFormat", "Recordings",
                "TestSupport", "Varlink",
            ]),
        tests(
            "MediffuseCommandsTests", in: "Programs",
            [
                "Diffusion", "DiffusionTestSupport", "EntropyTerms", "LeaseProtocol", "LinuxPlatform",
                "MediffuseCommands", "PNGFiles", "PlaneTestSupport", "TestSupport", "Varlink", "mediffuse",
            ]),
        tests(
            "DaemonTests", in: "Programs",
            [
                "BoardOperations", "BoardProtocol", "CTestSupport", "ControlInterface", "DaemonConfiguration",
                "EntropyClient", "EntropyPipeline", "EntropyTerms", "LaneHealth", "LeaseProtocol", "LinuxPlatform",
                logging, "MetrngDaemon", "RecordingFormat", "TestSupport", "Varlink", "meboard", "metrngd", "mectl",
            ]),

        // Tests of Testbench
        tests(
            "SoftwareBoardTests", in: "Testbench",
            ["BoardProtocol", "DevicePhysics", "SimulatedBoard", "SoftwareBoard", "SoftwareUSB", "TestSupport"]),
        tests("SoftwareUSBTests", in: "Testbench", ["LinuxPlatform", "SoftwareUSB", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
