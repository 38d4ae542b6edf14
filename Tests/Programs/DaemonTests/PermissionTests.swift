// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import Glibc
import TestSupport
import Testing

/// These run the daemon as a user without privileges: as `nobody` when the tests run as root.
@Suite(
    "Permissions and limits: a directory without permission, too little lockable memory")
struct PermissionTests {
    /// A command that runs another without privileges.
    static let unprivileged: [String] =
        geteuid() == 0
        ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        : ["/usr/bin/env"]

    /// A directory with the daemon in it that everybody may read, as the build may be out of reach.
    static func makeDirectory(mode: Int) throws -> (SocketDirectory, program: String) {
        let directory = SocketDirectory()
        let program = "\(directory.path)/metrngd"
        // Not here: a child that another test starts meanwhile would hold the file open for writing, so that it cannot run.
        #expect(try run("/bin/cp", ["\(buildDirectory)/metrngd", program]).status == 0)
        if geteuid() == 0 { chown(directory.path, mode == 0o555 ? 0 : 65534, 65534) }
        chmod(directory.path, mode_t(mode))
        return (directory, program)
    }

    @Test("A directory without permission is refused with the path and the reason")
    func directoryWithoutPermission() throws {
        let (directory, program) = try Self.makeDirectory(mode: 0o555)
        defer { chmod(directory.path, 0o700) }
        let command =
            Self.unprivileged + [program, "--simulated", "--runtime-directory", directory.path]
        let outcome = try run(command[0], Array(command.dropFirst()))
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("cannot create \(directory.path)/metrngd.lock: Permission"))
        #expect(outcome.errors.contains("give this user write access to the directory"))
    }

    @Test("Too little lockable memory: the remedy is told, and the switch works")
    func tooLittleLockableMemory() throws {
        let (directory, program) = try Self.makeDirectory(mode: 0o777)
        // The limit stays for the unprivileged program that follows.
        let wrapper = ["/usr/bin/prlimit", "--memlock=65536:65536"] + Self.unprivileged
        let command = wrapper + [program, "--simulated", "--runtime-directory", directory.path]
        let refused = try run(command[0], Array(command.dropFirst()))
        #expect(refused.status == 1)
        #expect(refused.errors.contains("raise the limit of locked memory"))
        #expect(refused.errors.contains("rings.lockMemory"))
        let daemon = try DaemonProcess(
            "boards: [{name: array0}]\nrings: {lockMemory: ifPermitted}", directory: directory,
            wrapper: wrapper, program: program)
        #expect(daemon.logText.contains("bits can reach swap"))
        #expect(try daemon.connect().read(count: 32).count == 32)
        #expect(daemon.stop() == 0)
    }
}
