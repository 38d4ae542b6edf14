// SPDX-License-Identifier: Apache-2.0

import CLinux

/// The arguments of this process, without its name. `CommandLine.arguments` reads them from /proc, and is empty where
/// there is none.
package var processArguments: [String] {
    var arguments: [String] = []
    var next = clinux_arguments()
    while let argument = next?.pointee {
        arguments.append(String(cString: argument))
        next = next?.successor()
    }
    return Array(arguments.dropFirst())
}
