// SPDX-License-Identifier: Apache-2.0

/// Something by which a client can name a board.
package protocol NamedBoard {
    /// Of the configuration: no two boards have the same.
    var name: String { get }
    /// Of the board itself: two can have the same; empty before it was opened, and when it has none.
    var serial: String { get }
}

extension BoardStatus: NamedBoard {}
extension BoardSummary: NamedBoard {}

extension Collection where Element: NamedBoard {
    /// The board that is meant: that of this name, or else of this serial number; with nil the only one.
    package func meant(by asked: String?) throws(ControlError) -> Element {
        guard let asked else {
            guard count == 1, let only = first else {
                throw .noSuchBoard(asked: "", boards: map(\.name))
            }
            return only
        }
        if let named = first(where: { $0.name == asked }) { return named }
        let bearers = filter { !$0.serial.isEmpty && $0.serial == asked }
        guard let bearer = bearers.first else {
            throw .noSuchBoard(asked: asked, boards: map(\.name))
        }
        guard bearers.count == 1 else {
            throw .ambiguousBoard(asked: asked, boards: bearers.map(\.name))
        }
        return bearer
    }
}
