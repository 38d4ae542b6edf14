// SPDX-License-Identifier: Apache-2.0

package import EntropyTerms

/// A board in the list of boards.
package struct BoardSummary: Codable, Sendable, Equatable {
    package var name: String
    package var kind: String
    @ByName package var provenance: Provenance
    package var serial: String
    package var path: String
    package var firmware: String
    /// 0 before the board was opened, where only the board can tell.
    package var lanes: Int
    package var goodLanes: Int
    package var state: BoardState
    /// The program that has the board open; empty when metrngd does not have it open.
    package var holder: String

    package init(
        name: String, kind: String, provenance: Provenance, serial: String, path: String,
        firmware: String, lanes: Int, goodLanes: Int, state: BoardState, holder: String
    ) {
        self.name = name
        self.kind = kind
        self.provenance = provenance
        self.serial = serial
        self.path = path
        self.firmware = firmware
        self.lanes = lanes
        self.goodLanes = goodLanes
        self.state = state
        self.holder = holder
    }
}
