// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import Testing

/// A report as an argument of a test: its kind, not its thousands of values.
extension Report: CustomTestStringConvertible {
    package var testDescription: String {
        String(String(describing: self).prefix { $0 != "(" })
    }
}
