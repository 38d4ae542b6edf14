// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import LinuxPlatform
import MediffuseCommands

@main
struct Main {
    static func main() {
        let console = Console.ofProcess(environment: ProcessInfo.processInfo.environment)
        exit(runMediffuse(processArguments, on: Workbench(console: console, openDenoiser: openDenoiser)))
    }
}
