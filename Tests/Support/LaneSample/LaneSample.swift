// SPDX-License-Identifier: Apache-2.0
//
// Usage: lane-sample SEED LANE SHOTS FILE
//
// Writes the bits of one lane of a simulated array, a bit in each byte, to FILE, as the frame reader
// delivers them; and prints what the model of that lane says: {"p01": …, "p10": …, "minEntropy": …}.

import BoardProtocol
import DevicePhysics
import Foundation
import SimulatedBoard

@main
struct LaneSample {
    private static let lanes = 512

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let seed = UInt64(arguments[1]), let lane = Int(arguments[2]),
            (0..<lanes).contains(lane), let shots = Int(arguments[3])
        else {
            print("usage: lane-sample SEED LANE SHOTS FILE")
            exit(64)
        }
        let board = try SimulatedArrayBoard(
            name: "sample", lanes: lanes, settings: settings, shotsPerFrame: 1024,
            seed: .fixed(seed))
        let bits = try read(lane: lane, shots: shots, of: board)
        try Data(bits).write(to: URL(fileURLWithPath: arguments[4]))
        let chain = board.chains[lane]
        print(
            """
            {"p01": \(chain.p01), "p10": \(chain.p10), "minEntropy": \(chain.minEntropyRate)}
            """)
    }

    /// Devices so alike that they need no trim.
    private static var settings: SimulatedArraySettings {
        var settings = SimulatedArraySettings(.quarterPeriod)
        settings.spread = .none
        settings.spread.diameter = 0.002
        settings.spread.strayFieldMicrotesla = 100
        return settings
    }

    private static func read(
        lane: Int, shots: Int, of board: SimulatedArrayBoard
    ) throws -> [UInt8] {
        let description = try board.open()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: FrameReader.bufferCount(maximumPayload: description.maximumPayload),
            alignment: 64)
        defer { buffer.deallocate() }
        var reader = FrameReader(buffer: buffer, board: description)
        var bits: [UInt8] = []
        board.start()
        while bits.count < shots {
            reader.append(try board.read(into: reader.freeSpace(), milliseconds: 0))
            while let event = reader.next() {
                guard case .frame(let frame) = event else { fatalError("a frame was damaged") }
                for row in stride(from: 0, to: frame.payload.count, by: lanes / 8) {
                    bits.append(frame.payload[row + lane / 8] >> (lane % 8) & 1)
                }
            }
        }
        return Array(bits.prefix(shots))
    }
}
