// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

/// Random numbers from metrngd for everything that takes a `RandomNumberGenerator`:
/// `Int.random(in:using:)`, `shuffle(using:)`, and so on.
///
/// Reads ahead a buffer of `full` bits, so that most calls cost no system call; the bytes are zeroed
/// as they are used, and those that were not used are gone with the generator. The buffer is left out of core dumps,
/// and a forked child begins with an empty one. Not thread-safe: give each thread a generator of its own. Copies share
/// the buffer, and never give the same bits twice.
///
/// `RandomNumberGenerator` cannot report an error, and there is no substitute for the bits: when the
/// daemon goes away, `next()` ends the program with a message that says why. A program that wants to
/// decide for itself calls `reserve(_:)` before it uses the numbers.
public struct EntropyGenerator: RandomNumberGenerator {
    private let reserve: Reserve

    /// A generator that reads from a connection, which nobody else should use meanwhile.
    ///
    /// - Parameters:
    ///   - connection: to the daemon.
    ///   - bufferBytes: how many bytes are read ahead: a multiple of 8.
    public init(_ connection: EntropyConnection, bufferBytes: Int = 4096) {
        precondition(bufferBytes > 0 && bufferBytes.isMultiple(of: 8))
        reserve = Reserve(connection, capacity: bufferBytes)
    }

    /// Makes sure that the next `count` numbers need not be waited for and cannot fail.
    ///
    /// - Parameter count: 64-bit numbers; at most `bufferBytes` / 8.
    public func reserve(_ count: Int) throws(EntropyError) { try reserve.fill(count * 8) }

    /// 64 random bits.
    public mutating func next() -> UInt64 {
        do {
            return try reserve.next()
        } catch {
            fatalError("no random numbers: \(error)")
        }
    }
}

/// The bytes that were read ahead.
private final class Reserve {
    private let connection: EntropyConnection
    /// The bytes, and a word that is 1 until the kernel wipes it in a forked child, with them.
    private let memory: LockedMemory
    private let bytes: UnsafeMutableRawBufferPointer
    /// Where the unused bytes begin; they go to the end.
    private var position: Int

    init(_ connection: EntropyConnection, capacity: Int) {
        self.connection = connection
        do {
            memory = try LockedMemory(count: capacity + 8, locked: false)
        } catch {
            fatalError("no memory for random numbers: \(error)")
        }
        bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<capacity])
        position = capacity
        memory.bytes.storeBytes(of: 1, toByteOffset: capacity, as: UInt64.self)
    }

    /// Forgets the parent's bytes in a forked child, of which zeros are left.
    private func dropParentsBytes() {
        guard memory.bytes.load(fromByteOffset: bytes.count, as: UInt64.self) == 0 else { return }
        position = bytes.count
        memory.bytes.storeBytes(of: 1, toByteOffset: bytes.count, as: UInt64.self)
    }

    func fill(_ count: Int) throws(EntropyError) {
        precondition(count <= bytes.count)
        dropParentsBytes()
        guard bytes.count - position < count else { return }
        // The unused bytes move up to the end of what is read: none is lost, none is used twice.
        let unused = bytes.count - position
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position...]))
        let start = UnsafeMutableRawBufferPointer(rebasing: bytes[unused...])
        do {
            try connection.read(into: start)
        } catch {
            wipe(bytes)
            position = bytes.count
            throw error
        }
        position = 0
    }

    func next() throws(EntropyError) -> UInt64 {
        try fill(8)
        let number = bytes.load(fromByteOffset: position, as: UInt64.self)
        bytes.storeBytes(of: 0, toByteOffset: position, as: UInt64.self)
        position += 8
        return number
    }
}
