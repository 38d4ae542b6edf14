// SPDX-License-Identifier: Apache-2.0
//
// Usage: umockdev-wrapper array-contract [FAULT | MEB/1.0]
//
// Holds USBBoard to the contracts of ArrayBoard and AsideBoard, over the emulated USB, on software boards that have the
// fault or the older version. Prints a line for each clause: "ok NAME" or "FAILED NAME: VIOLATION".

import ArrayContract
import BoardInterface
import Glibc
import SoftwareBoard
import SoftwareUSB
import USBBoard

@main
struct ArrayContractTool {
    static func main() throws {
        let names = CommandLine.arguments.dropFirst()
        let isOld = names.first == "MEB/1.0"
        let faults = names.compactMap { BoardFault(rawValue: $0) }
        guard names.count == faults.count + (isOld ? 1 : 0), names.count < 2 else {
            print("usage: array-contract [FAULT | MEB/1.0]")
            exit(64)
        }
        let bench = CableBench(
            bus: try EmulatedBus(), fault: faults.first, minorVersion: isOld ? 0 : 1)
        for clause in ArrayClause.all {
            let violation = clause.violation(on: bench)
            print(violation.map { "FAILED \(clause.name): \($0)" } ?? "ok \(clause.name)")
        }
    }
}

/// Plugs a software board into the emulated USB for each rig, and reaches it through libusb.
private struct CableBench: ArrayBench {
    let bus: EmulatedBus
    let fault: BoardFault?
    let minorVersion: UInt8

    func makeRig(_ settings: ArraySettings) throws -> ArrayRig {
        let model = try settings.makeModel()
        let software = try SoftwareBoard(
            model, serial: "CONTRACT", speed: .high, minorVersion: minorVersion)
        software.fail(fault)
        let port = try bus.plug(software, place: "1-1")
        var wanted = USBBoardSettings()
        wanted.expectsSimulated = true
        return try ArrayRig(try USBBoard(wanted, locked: false)) { port.unplug() }
    }
}
