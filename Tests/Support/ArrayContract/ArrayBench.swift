// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
import DevicePhysics
package import SimulatedBoard

/// A board under test, open.
package final class ArrayRig {
    package let board: any ArrayBoard & TunableBoard
    package let description: BoardDescription
    private let removal: () -> Void

    /// - Parameter remove: takes the board away, as when its cable is pulled out.
    package init(
        _ board: any ArrayBoard & TunableBoard, remove: @escaping () -> Void
    ) throws(BoardError) {
        self.board = board
        removal = remove
        description = try board.open()
    }

    deinit { board.close() }

    package func remove() { removal() }
}

/// The array of a rig.
package struct ArraySettings: Sendable {
    package var lanes = 128
    package var readErrorRate = 0.0
    package var seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// An array of these settings. Two of the same seed have the same devices.
    package func makeModel() throws -> SimulatedArrayBoard {
        var settings = SimulatedArraySettings(.quarterPeriod)
        settings.readErrorRate = readErrorRate
        return try SimulatedArrayBoard(
            name: "contract", lanes: lanes, settings: settings, shotsPerFrame: 16,
            seed: .fixed(seed))
    }
}

/// A way to reach an array: directly, or over a cable.
package protocol ArrayBench {
    func makeRig(_ settings: ArraySettings) throws -> ArrayRig
}
