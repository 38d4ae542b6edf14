// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import DevicePhysics
import SimulatedBoard
import SoftwareBoard
import SoftwareUSB

extension FuzzTarget {
    /// The board's side of endpoint 0 and of the bulk endpoints: a hostile host and a software board.
    ///
    /// An input is a series of transfers. The first byte of each says of which kind it is.
    static let boardRequests = FuzzTarget("board-requests", inputLimit: 512) { bytes in
        var host = HostileHost(bytes)
        host.run()
    }
}

private struct HostileHost {
    private let board: SoftwareBoard
    private var rest: UnsafeRawBufferPointer.SubSequence
    private var refusals: UInt32 = 0

    /// Linux lets a program ask for no more in a request.
    private static let requestLimit = 4_096

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes[...]
        do {
            let array = try SimulatedArrayBoard(
                name: "fuzzed", lanes: 64, settings: SimulatedArraySettings(.quarterPeriod),
                shotsPerFrame: 16, seed: .fixed(1))
            board = try SoftwareBoard(array, serial: "FUZZED", speed: .high)
        } catch {
            fatalError("there is no board: \(error)")
        }
    }

    mutating func run() {
        while let kind = rest.popFirst() {
            switch kind % 4 {
            case 0: request()
            case 1: write()
            case 2: read()
            default:
                board.reset()
                refusals = 0
            }
            checkBoard()
        }
    }

    /// A set-up packet, and the data of one to the board.
    private mutating func request() {
        guard let packet = take(8) else { return }
        let setup = USBSetup(
            requestType: packet[0], request: packet[1],
            value: UInt16(packet[2]) | UInt16(packet[3]) << 8,
            index: UInt16(packet[4]) | UInt16(packet[5]) << 8,
            length: min(UInt16(packet[6]) | UInt16(packet[7]) << 8, UInt16(Self.requestLimit)))
        var data = [UInt8](repeating: 0, count: Int(setup.length))
        if !setup.isFromDevice {
            let sent = rest.prefix(data.count)
            data.replaceSubrange(..<sent.count, with: sent)
            rest = rest.dropFirst(sent.count)
        }
        switch data.withUnsafeMutableBytes({ board.control(setup, data: $0) }) {
        case .done(let count):
            require(count <= data.count, "no more is answered than there is room for")
            require(setup.isFromDevice || count == 0, "a request to the board has no answer")
            // A reset is obeyed by forgetting what was refused.
            if setup.request == BoardRequest.reset.rawValue, !setup.isFromDevice { refusals = 0 }
        case .failed(let failure):
            require(failure == .stall, "a request that is refused stalls")
            refusals &+= 1
        case .notYet: fatalError("a request is answered at once")
        }
    }

    private mutating func write() {
        guard let count = rest.popFirst(), let bytes = take(Int(count)) else { return }
        let outcome = bytes.withUnsafeBytes { board.write(endpoint: 0x03, $0) }
        require(
            outcome == .done(bytes.count) || outcome == .failed(.stall),
            "states are taken as a whole or refused")
    }

    private mutating func read() {
        guard let count = rest.popFirst() else { return }
        var data = [UInt8](repeating: 0, count: 16 * Int(count))
        let outcome = data.withUnsafeMutableBytes { board.read(endpoint: 0x81, into: $0) }
        switch outcome {
        case .done(let count):
            require((1...data.count).contains(count), "the stream gives what there is room for")
        case .notYet: break
        case .failed(let failure): fatalError("the stream of a sound board fails: \(failure)")
        }
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// The board answers as a board does, whatever was done to it.
    private func checkBoard() {
        let info = required(try? InfoRecord(parsing: ask(.getInfo, 64)), "a board says what it is")
        require(info.lanes == 64, "a board keeps its lanes")
        let status = required(
            try? StatusRecord(parsing: ask(.getStatus, 32)), "a board says how it is")
        require(status.refusals == refusals, "what was refused is counted")
    }

    private func ask(_ request: BoardRequest, _ count: Int) -> [UInt8] {
        var data = [UInt8](repeating: 0, count: count)
        let setup = USBSetup(
            requestType: BoardRequest.typeFromBoard, request: request.rawValue, value: 0, index: 0,
            length: UInt16(count))
        let outcome = data.withUnsafeMutableBytes { board.control(setup, data: $0) }
        require(outcome == .done(count), "a board answers whole")
        return data
    }
}
