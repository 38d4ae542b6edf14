// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import Testing

/// A report as an argument of a test, described by its type instead of its thousands of values.
struct ReportArgument: Sendable, CustomTestStringConvertible {
    let report: any Report

    init(_ report: any Report) { self.report = report }

    var testDescription: String { "\(type(of: report))" }
}
