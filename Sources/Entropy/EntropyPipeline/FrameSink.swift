// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// A destination of recorded frames. Used on the pipeline's thread.
package protocol FrameSink: AnyObject, Sendable {
    /// The number of bytes kept so far.
    var byteCount: Int { get }

    /// Called once, before the first frame.
    func begin(_ board: BoardDescription) throws(FrameSinkError)

    /// Takes a whole, checked frame. May wait for a disk.
    func add(_ frame: FrameReader.Frame) throws(FrameSinkError)
}

/// The reason why frames could not be kept, in words.
package struct FrameSinkError: Error, Sendable, Equatable {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
}
