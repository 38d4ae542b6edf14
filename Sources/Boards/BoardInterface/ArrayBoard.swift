// SPDX-License-Identifier: Apache-2.0

import BoardProtocol

/// A board that can write, pulse and read its array one step at a time, beside its own stream. Its description
/// says so in `hasArrayOperations`.
///
/// The calls come from the pipeline's thread, like those of `Board`, after `open` and before `close`, while the
/// stream is stopped; a call while it runs is a programming error and traps. They run in the order in which they
/// are made: when one returns, the devices are in the state that it describes. The stream and these calls share
/// the devices, the operating point, the trims and the mask: a stream that is started later begins as after every
/// `start`, with sequence 0 and shot 0, from the states in which the last call left the devices.
///
/// States are packed as a shot is, in `wordsPerShot` words: bit i of word j is the state of lane 64·j + i.
///
/// After an error the board is closed and opened again, as after an error of any other call. The states of the
/// devices are not known then.
package protocol ArrayBoard: Board {
    /// Selects the devices to leave alone, until the next call or `open`, which selects none.
    ///
    /// A masked device keeps its state: it is neither written nor pulsed, and its bit is 0 in what is read and in
    /// the stream, whose frames count it in `lanesMasked`. Blocks for at most a second.
    ///
    /// - Parameter mask: a bit for each lane, packed as states are; 1 masks the device.
    func setLaneMask(_ mask: [UInt64]) throws(BoardError)

    /// Puts every device that is not masked into the given state, without regard to the state it is in.
    ///
    /// A device may miss its state as often as the array's write error rate says; a stuck one does not follow.
    /// Blocks for a few seconds at most.
    func writeStates(_ states: [UInt64]) throws(BoardError)

    /// Applies `count` pulses to every device that is not masked, at the current operating point and trims, and
    /// reads nothing. Each pulse switches a device at random, as a shot of the stream does. Blocks until the
    /// pulses are applied, at most a second.
    ///
    /// - Parameter count: from 0, which changes nothing, to `ArrayOperation.pulseLimit`.
    func pulse(count: Int) throws(BoardError)

    /// Reads the state of every device and changes none. Masked devices read as 0.
    ///
    /// Each bit is wrong with the array's read error probability, independently of every other read. Blocks for
    /// a few seconds at most.
    func readStates() throws(BoardError) -> [UInt64]
}
