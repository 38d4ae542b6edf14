// SPDX-License-Identifier: Apache-2.0

/// A board that a client can refer to.
package protocol NamedBoard {
    /// The name from the configuration; no two boards have the same.
    var name: String { get }
    /// The serial number from the board itself. Two boards can have the same; it is empty before a board was opened,
    /// and for one that has none.
    var serial: String { get }
}

extension BoardStatus: NamedBoard {}
extension BoardSummary: NamedBoard {}

extension Collection where Element: NamedBoard {
    /// The board of this name, otherwise of this serial number; with nil the only one.
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
