// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
import EntropyTerms
import Glibc
package import LinuxPlatform

/// A generator of the host as a board: a device of the kernel (as `/dev/hwrng`), any other character
/// device, or a FIFO that a program writes to. What comes out is cut into shots, a bit for each lane.
///
/// The file is open from `open` to `close`, however long it gives nothing: a program that writes to a FIFO may pause,
/// end and be followed by another.
package final class HostBoard: FedBoard, @unchecked Sendable {
    // Everything but the wake-up is touched by the pipeline's thread only.
    private let path: String
    private let lanes: Int
    private let shotsPerFrame: Int
    package let patience: UInt64
    private let wakeup: Wakeup
    private var stream: HostStream?
    private var sequence: UInt32 = 0
    private var nextShot: UInt64 = 0
    /// The beginning of a shot whose rest has not come yet: the first `keptCount` bytes.
    private let kept: LockedMemory
    private var keptCount = 0

    package static let defaultLanes = 64
    /// In seconds.
    package static let defaultPatience = 10.0

    /// A generator has no thermometer.
    private static let temperature: Int16 = 0

    /// - Parameters:
    ///   - lanes: from 64 to 4,096, a multiple of 64. Bit i of word j of a shot is lane 64·j + i.
    ///   - shotsPerFrame: the most, at least 1; a frame's payload may not exceed
    ///     `FrameHeader.payloadLimit`. A frame that would have to wait for more is sent with fewer.
    ///   - patienceSeconds: how long the source may be silent before that is shown; at most 10⁹.
    ///   - locked: whether memory with bits must be kept from swap.
    package init(
        path: String, lanes: Int = defaultLanes, shotsPerFrame: Int,
        patienceSeconds: Double = defaultPatience, locked: Bool
    ) throws(SystemError) {
        precondition(BoardDescription.laneLimits.contains(lanes) && lanes.isMultiple(of: 64))
        precondition((1...FrameHeader.payloadLimit / (lanes / 8)).contains(shotsPerFrame))
        precondition((0...1e9).contains(patienceSeconds))
        self.path = path
        self.lanes = lanes
        self.shotsPerFrame = shotsPerFrame
        patience = UInt64(patienceSeconds * 1e9)
        wakeup = try Wakeup()
        kept = try LockedMemory(count: lanes / 8, locked: locked)
    }

    package func open() throws(BoardError) -> BoardDescription {
        stream = try HostStream(path: path, wakeup: wakeup)
        return BoardDescription(
            kind: "host", provenance: .host, serial: path, path: path, firmware: "-", lanes: lanes,
            encoding: .states,
            operatingPoint: OperatingPoint(
                amplitudeMillivolts: 0, pulseWidthPicoseconds: 0, biasFieldMicrotesla: 0),
            maximumPayload: shotsPerFrame * bytesPerShot)
    }

    package func start() {
        sequence = 0
        nextShot = 0
        wipeKept()
    }

    package func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int {
        guard let stream else { throw .stalled("\(path) was not opened") }
        let payload = UnsafeMutableRawBufferPointer(
            rebasing: buffer[FrameHeader.byteCount...].prefix(shotsPerFrame * bytesPerShot))
        payload.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(kept.bytes)[..<keptCount])
        )
        let count: Int
        do throws(BoardError) {
            count = try stream.fill(
                payload, from: keptCount, atLeast: bytesPerShot, milliseconds: milliseconds)
        } catch {
            wipe(payload)
            wipeKept()
            throw error
        }
        let shots = count / bytesPerShot
        keep(UnsafeMutableRawBufferPointer(rebasing: payload[(shots * bytesPerShot)..<count]))
        return shots == 0 ? 0 : frame(shots, in: buffer)
    }

    package func stop() {}

    package func close() {
        stream = nil
        wipeKept()
    }

    package func interrupt() { wakeup.signal() }

    package var awaited: String {
        switch stream?.silence {
        case .noWriter: "no program has \(path) open for writing"
        case .nothingSent, nil: "nothing comes from \(path)"
        }
    }

    private var bytesPerShot: Int { lanes / 8 }

    /// Keeps what is no whole shot for the next frame, and leaves it nowhere else.
    private func keep(_ rest: UnsafeMutableRawBufferPointer) {
        wipeKept()
        kept.bytes.copyMemory(from: UnsafeRawBufferPointer(rest))
        keptCount = rest.count
        wipe(rest)
    }

    private func wipeKept() {
        wipe(kept.bytes)
        keptCount = 0
    }

    /// Writes the header of a frame whose payload is in place.
    private func frame(_ shots: Int, in buffer: UnsafeMutableRawBufferPointer) -> Int {
        let header = FrameHeader(
            flags: [], wordsPerShot: UInt16(lanes / 64), sequence: sequence, shots: UInt32(shots),
            firstShot: nextShot, temperature: Self.temperature)
        let count = FrameHeader.byteCount + header.payloadCount
        header.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        sequence &+= 1
        nextShot += UInt64(shots)
        return count
    }
}
