// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// A board that can set lanes aside from its stream, and write, pulse and read those while the others go on streaming.
/// Its description says so in `canSetLanesAside`.
///
/// The calls come from the pipeline's thread, like those of `Board`, after `open` and before `close`, whether the stream
/// runs or not. They run in the order in which they are made: when one returns, the devices are in the state that it
/// describes.
///
/// The lanes aside have an operating point, trims and a mask of their own, which no other call reads or changes; those
/// of `TunableBoard` and `ArrayBoard` do not act on lanes aside. `open` sets no lane aside, the trims to 0, no mask, and
/// the point to that of the board's description. `start` and `stop` change nothing here. A lane set aside is for the
/// stream, and for the operations of an `ArrayBoard`, what a masked one is: its bits are 0, and frames count it in
/// `lanesMasked` once, also if it is masked as well.
///
/// States, masks and sets of lanes are packed as a shot is, in `wordsPerShot` words: bit i of word j is lane 64·j + i.
///
/// After an error the board is closed and opened again, as after an error of any other call. The states of the devices
/// are not known then.
package protocol AsideBoard: TunableBoard {
    /// Selects the lanes that are aside, until the next call or `open`. A lane keeps its state when it is set aside and
    /// when it comes back. Blocks for at most a second.
    ///
    /// While the stream runs, the change shows in it with a delay of at most the shots of `trimLatencyShots` in the
    /// description's `tuning`. In these, the bits of a lane that goes or comes back are those of its device or 0. The
    /// frames that follow have all its bits, or none and count it in `lanesMasked`.
    ///
    /// - Parameter lanes: a bit for each lane; 1 sets it aside. All 0 sets none aside.
    func setLanesAside(_ lanes: [UInt64]) throws(BoardError)

    /// Sets the operating point of the lanes aside, from the next pulse on. Blocks for at most a second.
    ///
    /// - Parameter point: within the limits of the description's `tuning`.
    func setAsidePoint(_ point: OperatingPoint) throws(BoardError)

    /// Sets the trims of the lanes aside, from the next pulse on. Blocks for at most a second.
    ///
    /// - Parameter trims: one for each lane of the board, within the limits of the description's `tuning`. A lane that
    ///   is not aside has its trim when it is set aside later.
    func setAsideTrims(_ trims: [Int16]) throws(BoardError)

    /// Selects the lanes aside to leave alone in `writeAside` and `pulseAside`. `readAside` reads their states all the
    /// same. Blocks for at most a second.
    ///
    /// - Parameter mask: a bit for each lane; 1 masks it. Bits of lanes that are not aside count when they are later.
    func setAsideMask(_ mask: [UInt64]) throws(BoardError)

    /// Puts every lane aside that is not masked into the given state, without regard to the state it is in.
    ///
    /// A device may miss its state as often as the array's write error rate says; a stuck one does not follow.
    /// Blocks for at most a second.
    ///
    /// - Parameter states: a bit for each lane; those of other lanes are ignored.
    func writeAside(_ states: [UInt64]) throws(BoardError)

    /// Applies `count` pulses to every lane aside that is not masked, at the point and trims of the lanes aside, and
    /// reads nothing. Blocks until the pulses are applied, at most a second.
    ///
    /// - Parameter count: from 0, which changes nothing, to `ArrayOperation.pulseLimit`.
    func pulseAside(count: Int) throws(BoardError)

    /// Reads the state of every lane aside and changes none. Other lanes read as 0.
    ///
    /// Each bit is wrong with the array's read error probability, independently of every other read. Blocks for at most
    /// a second.
    func readAside() throws(BoardError) -> [UInt64]
}
