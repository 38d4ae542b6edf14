// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import FoundationEssentials
import Glibc
import LinuxPlatform

@main
struct Main {
    static func main() {
        let console = Console.ofProcess(environment: ProcessInfo.processInfo.environment)
        exit(runMectl(processArguments, on: console))
    }
}
