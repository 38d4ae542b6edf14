// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// A board whose devices can be tuned. Its description has a `tuning`.
///
/// The calls come from the pipeline's thread, like those of `Board`, between `open` and `close`.
package protocol TunableBoard: Board {
    /// The operating points that are known to suit the devices of the board, by name; not all of them suit its stream.
    /// A point of a model says nothing of other devices: empty for a board whose devices nobody knows.
    var presets: [String: OperatingPoint] { get }

    /// Sets the operating point of all devices. Called while the stream is stopped; the point holds from
    /// the next `start` on, also after `close` and `open`. Blocks for at most a second.
    ///
    /// - Parameter point: within the limits of the description's `tuning`.
    func setOperatingPoint(_ point: OperatingPoint) throws(BoardError)

    /// Sets the trim of every lane, also while the stream runs. Returns at once; the new trims hold for
    /// all shots but the next `trimLatencyShots`. `open` sets them to 0.
    ///
    /// - Parameter trims: one for each lane, within the limits of the description's `tuning`.
    func setTrims(_ trims: [Int16]) throws(BoardError)

    /// Measures temperature and resistances. Blocks for at most a second.
    func telemetry() throws(BoardError) -> BoardTelemetry
}

extension TunableBoard {
    package var presets: [String: OperatingPoint] { [:] }
}
