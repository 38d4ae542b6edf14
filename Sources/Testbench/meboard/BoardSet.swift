// SPDX-License-Identifier: Apache-2.0

import DevicePhysics
import SimulatedBoard
import SoftwareBoard
import SoftwareUSB

/// The boards of a run, and the commands that plug, pull and break them.
final class BoardSet {
    private struct Entry {
        let board: SoftwareBoard
        let place: String
        var port: (any USBPort)?
    }

    private let bus: any USBBus
    private var entries: [Entry]

    static let faultNames = BoardFault.allCases.map(\.rawValue).joined(separator: ", ")

    /// - Parameter places: one for each board.
    init(_ options: BoardOptions, on bus: any USBBus, places: [String]) throws {
        self.bus = bus
        entries = try places.enumerated().map { index, place in
            let array = try SimulatedArrayBoard(
                name: "software\(index + 1)", lanes: options.lanes,
                settings: SimulatedArraySettings(.quarterPeriod),
                shotsPerFrame: options.shotsPerFrame, seed: .kernel)
            let board = try SoftwareBoard(
                array, serial: "SOFT-\(index + 1)", speed: options.superSpeed ? .superSpeed : .high,
                minorVersion: options.minorVersion)
            return Entry(board: board, place: place)
        }
    }

    /// Does what standard input says, to its end, and pulls all boards out.
    func serve() {
        while let line = readLine() {
            if let problem = perform(line.split(separator: " ").map(String.init)) {
                say("error: \(problem)")
            } else {
                say("ok")
            }
        }
        for index in entries.indices { unplug(index) }
    }

    /// - Returns: why it could not be done; nil when it was.
    private func perform(_ words: [String]) -> String? {
        guard words.count >= 2, let number = Int(words[1]),
            entries.indices.contains(number - 1)
        else { return "expected a command and a board from 1 to \(entries.count)" }
        let index = number - 1
        switch (words[0], words.dropFirst(2).first) {
        case ("plug", nil): return plug(index)
        case ("unplug", nil): unplug(index)
        case ("fault", "none"): entries[index].board.fail(nil)
        case ("fault", let name?):
            guard let fault = BoardFault(rawValue: name) else {
                return "the faults are \(Self.faultNames), none"
            }
            entries[index].board.fail(fault)
        default: return "the commands are plug N, unplug N, fault N NAME"
        }
        return nil
    }

    private func plug(_ index: Int) -> String? {
        guard entries[index].port == nil else { return "it is plugged in already" }
        do throws(PortError) {
            entries[index].port = try bus.plug(
                entries[index].board, place: entries[index].place)
            return nil
        } catch {
            return error.description
        }
    }

    private func unplug(_ index: Int) { entries[index].port.take()?.unplug() }
}
