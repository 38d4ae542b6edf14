// SPDX-License-Identifier: Apache-2.0

import EntropyTerms
package import Varlink

/// Something that a verb prints.
package protocol Report: Encodable, Sendable {
    /// The report for people.
    ///
    /// - Parameter now: in seconds since the Unix epoch.
    func text(palette: Palette, now: Double) -> String

    /// The report for people, arranged for a terminal of so many columns; nil for any width. A report that has one
    /// arrangement need not implement it.
    func text(palette: Palette, now: Double, columns: Int?) -> String

    /// Whether a terminal shows lines that are too long for it folded at spaces; otherwise it breaks them itself.
    static var isFolded: Bool { get }
}

extension Report {
    package static var isFolded: Bool { false }

    package func text(palette: Palette, now: Double, columns: Int?) -> String { text(palette: palette, now: now) }
}

/// The forms of every report.
package enum ReportForm: Sendable {
    /// One line, keys sorted.
    case json
    /// For people; `now` in seconds since the Unix epoch, `columns` of the terminal, or nil for any width.
    case text(palette: Palette, now: Double, columns: Int? = nil)
}

extension Report {
    /// The report in a form, with the newline that ends it.
    package func rendered(as form: ReportForm) throws(JSONError) -> String {
        switch form {
        case .json: String(decoding: try encodeJSON(self), as: UTF8.self).escapedJSON + "\n"
        case .text(let palette, let now, let columns): text(palette: palette, now: now, columns: columns)
        }
    }
}
