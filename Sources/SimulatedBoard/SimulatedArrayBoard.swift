// SPDX-License-Identifier: Apache-2.0

package import Boards
package import DevicePhysics
import EntropyTerms

/// A board that is not there: frames like a real board's, of an array that is a model.
///
/// Frames are made when they are read, so that an unread board costs nothing. Its bits carry the
/// provenance `simulated` and are not random.
package final class SimulatedArrayBoard: Board, @unchecked Sendable {
    // Everything here is touched by the pipeline's thread only: `interrupt` has nothing to do, as
    // `read` never waits.
    private let name: String
    private let shotsPerFrame: Int
    /// The devices, by lane: what the model holds, for comparison with what it gives.
    package let chains: [SwitchingChain]
    private let simulator: ArraySimulator
    private var sequence: UInt32 = 0
    private var nextShot: UInt64 = 0

    /// The quarter-period point of a literature-typical device (60 nm, Bx 20 mT), where a shot
    /// switches it with probability ½. Not the operating point of any particular published array.
    package static let quarterPeriod = OperatingPoint(
        amplitudeMillivolts: 1550, pulseWidthPicoseconds: 466, biasFieldMicrotesla: 20000)

    /// What the model says of the array's temperature, in units of 0.01 °C.
    private static let temperature: Int16 = 2685

    /// - Parameters:
    ///   - chains: a device each, from 64 to 4,096, a multiple of 64.
    ///   - shotsPerFrame: at least 1; a frame's payload may not exceed `FrameHeader.payloadLimit`.
    package init(name: String, chains: [SwitchingChain], shotsPerFrame: Int, seed: SimulationSeed) {
        precondition(shotsPerFrame >= 1)
        self.name = name
        self.chains = chains
        self.shotsPerFrame = shotsPerFrame
        var generator = seed.makeGenerator()
        simulator = ArraySimulator(chains: chains, seed: &generator)
    }

    /// A board whose devices are drawn from `spread`.
    package convenience init(
        name: String, lanes: Int, spread: ArraySpread, shotsPerFrame: Int, seed: SimulationSeed
    ) {
        // The devices and their shots come from different streams, so that a change of one does not
        // shift the other.
        var generator = seed.makeGenerator()
        let shots = SimulationSeed.fixed(generator.next())
        let preset = ArrayPreset.quarterPeriod
        let chains = spread.devices(
            count: lanes, preset: preset, parameters: preset.device, using: &generator
        ).map { $0.chain(drive: preset.drive, trim: 0, temperatureKelvin: 300, drift: 0) }
        self.init(
            name: name, chains: chains, shotsPerFrame: shotsPerFrame,
            seed: seed == .kernel ? .kernel : shots)
    }

    package func open() -> BoardDescription {
        BoardDescription(
            kind: "simulated", provenance: .simulated, serial: "SIM-\(name)",
            path: "model:two-state-chains", firmware: "1.0", lanes: chains.count,
            encoding: .toggles, operatingPoint: Self.quarterPeriod,
            maximumPayload: shotsPerFrame * chains.count / 8)
    }

    package func start() {
        sequence = 0
        nextShot = 0
    }

    /// Makes one frame. Never waits.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) -> Int {
        let header = FrameHeader(
            flags: .toggleEncoded, wordsPerShot: UInt16(chains.count / 64), sequence: sequence,
            shots: UInt32(shotsPerFrame), firstShot: nextShot, temperature: Self.temperature)
        let count = FrameHeader.byteCount + header.payloadCount
        precondition(buffer.count >= count)
        let frame = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        let payload = UnsafeMutableRawBufferPointer(rebasing: frame[FrameHeader.byteCount...])
        if let rows = payload.baseAddress {
            simulator.sample(shots: shotsPerFrame, toggles: true, into: rows)
        }
        header.write(to: frame)
        sequence &+= 1
        nextShot += UInt64(shotsPerFrame)
        return count
    }

    package func stop() {}

    package func close() {}

    package func interrupt() {}
}
