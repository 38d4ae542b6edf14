// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// A source of MEB/1 frames: one array of devices and the electronics that pulse and read it.
///
/// The pipeline of a board calls everything here from its own thread, one call at a time, in the
/// order `open`, `start`, `read` …, `stop`, `close`; only `interrupt` comes from other threads. A
/// board that failed is closed and opened again, as often as it takes, so that every call must leave
/// the board in a state from which that works.
package protocol Board: AnyObject, Sendable {
    /// Finds the device, takes it, checks that it speaks MEB/1, and says what it is.
    ///
    /// Contract: blocks for at most a few seconds. On an error nothing stays held. A device held by
    /// another process, one that is absent and one that may not be opened are different errors.
    func open() throws(BoardError) -> BoardDescription

    /// Starts the board's own loop of pulse and read. The board discards what it has buffered: bits from
    /// before `start` are never delivered.
    func start() throws(BoardError)

    /// Waits for bytes of the stream and copies them into `buffer`.
    ///
    /// The stream is what the cable carries: frames one after another. A call may end in the middle
    /// of a frame; the reader of frames puts them together and finds the next one after damage, so
    /// a board neither checks nor repairs what it passes on. Bytes are delivered once.
    ///
    /// Contract: returns how many bytes were copied, at least 1; 0 when `milliseconds` went by with
    /// none or when `interrupt` was called. Throws when the board is gone or broken for good. While
    /// nobody reads, the board idles: it must not drop anything silently, and what it had to drop it
    /// counts in the next frame's `droppedBefore`. Allocates nothing while bytes come, and takes no lock for long.
    ///
    /// - Parameter buffer: room for at least one frame of the largest size the board sends.
    func read(
        into buffer: UnsafeMutableRawBufferPointer, milliseconds: Int32
    ) throws(BoardError) -> Int

    /// Stops the stream. Never fails: a board that is gone has stopped.
    func stop()

    /// Gives the device back. Called once for each `open` that succeeded. Never fails.
    func close()

    /// Makes a waiting `read` return 0 soon, and does not affect a later one. Any thread.
    func interrupt()
}

/// A board that comes and goes while the program runs.
package protocol PluggableBoard: Board {
    /// A descriptor that polls readable once something has come or gone since the last `open` or
    /// `checkPresence`, so that a retry need not wait. The board owns it.
    var changes: Int32 { get }

    /// Throws when the board has gone since it was opened. The pipeline's thread calls it while the board is
    /// open and is not read.
    func checkPresence() throws(BoardError)
}

/// A board that another program or a device of the host feeds. It may be silent although nothing is wrong, so that a
/// silence does not close it: what is fed into it has somewhere to go for as long as the board is open.
package protocol FedBoard: Board {
    /// How long it may send nothing before that is shown, in nanoseconds.
    var patience: UInt64 { get }

    /// What it waits for, after a `read` that returned 0, as in "no program has /run/bits open for writing". For the
    /// pipeline's thread.
    var awaited: String { get }
}
