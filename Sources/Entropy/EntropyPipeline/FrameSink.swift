// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// A destination of recorded frames, which keeps them on a thread of its own: no call waits. Used on the pipeline's
/// thread.
package protocol FrameSink: AnyObject, Sendable {
    /// Called once, before anything else.
    func begin(_ board: BoardDescription) throws(FrameSinkError)

    /// Whether frames can be kept, after `begin`; nil while that is not known.
    var beginning: Result<Void, FrameSinkError>? { get }

    /// Takes a whole, checked frame, once frames can be kept. Throws when there is no room for it, or earlier frames
    /// could not be kept.
    func add(_ frame: FrameReader.Frame) throws(FrameSinkError)

    /// Called at most once, after `begin`; nothing else is called afterwards. A sink that is released without it keeps
    /// the frames that it has taken.
    ///
    /// - Parameter completion: called on any thread once the frames are kept, with their number of bytes, or with the
    ///   reason that they are not.
    func end(_ completion: @escaping @Sendable (Result<Int, FrameSinkError>) -> Void)
}

/// The reason why frames could not be kept, in words.
package struct FrameSinkError: Error, Sendable, Equatable {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
}
