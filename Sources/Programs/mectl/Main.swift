// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import FoundationEssentials
import Glibc

@main
struct Main {
    static func main() {
        let console = Console.ofProcess(environment: ProcessInfo.processInfo.environment)
        exit(runMectl(Array(CommandLine.arguments.dropFirst()), on: console))
    }
}
