// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import Testing

@Suite(
    "Other processes: names and start times, hostile names; users")
struct RunningProcessTests {
    @Test("This one has a name, and began before now")
    func itself() throws {
        let process = try #require(RunningProcess(getpid()))
        #expect(!process.command.isEmpty)
        #expect(process.start > 0 && process.start <= secondsSinceBoot())
    }

    @Test("There is none of a number that none has", arguments: [-1, .max])
    func none(number: Int32) { #expect(RunningProcess(number) == nil) }

    /// Fields 3 to 21 of /proc/PID/stat.
    private static let between = (3...21).map(String.init).joined(separator: " ")

    @Test(
        "Names may have what separates them from the rest",
        arguments: [
            "sh", "a b", "a) S 1 (b", ")", "(", "\u{301}start", "end\u{600}", "a) 0 0 0 \u{600}",
            "\n",
        ])
    func names(name: String) {
        let process = RunningProcess(
            stat: "12 (\(name)) \(Self.between) 250 23\n", ticksPerSecond: 100)
        #expect(process?.command == name)
        #expect(process?.start == 2.5)
    }

    @Test(
        "What is no such line is nothing",
        arguments: ["", "12", "12 (sh", "12 sh) S", ")(", "12 (sh) S 1", "12 (sh) \(between) x"])
    func wrong(line: String) {
        #expect(RunningProcess(stat: line, ticksPerSecond: 100) == nil)
    }

    @Test("Users have names, but for numbers that nobody has")
    func users() {
        #expect(userName(0) == "root")
        #expect(userName(0xFFFF_FFF0) == nil)
    }
}
