// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport

/// Boards of software on an emulated USB, in a process of their own, and daemons that see them.
///
/// Daemons have to end before the boards: umockdev aborts those that do not. `deinit` comes too late for
/// that when a test keeps the two in the wrong order, so that a test makes the boards first.
final class SoftwareBoards {
    private let process = Process()
    private let commands = Pipe()
    private let answers = Pipe()
    private var unread = Data()
    /// What `UMOCKDEV_DIR` is for programs.
    private var directory = ""

    private static let wrapper = "/usr/bin/umockdev-wrapper"

    /// - Parameter arguments: of `meboard emulate`.
    init(_ arguments: String...) throws {
        process.executableURL = URL(fileURLWithPath: Self.wrapper)
        process.arguments = ["\(buildDirectory)/meboard", "emulate"] + arguments
        process.standardInput = commands
        process.standardOutput = answers
        try process.run()
        directory = try line()
        // For programs that run as somebody else.
        chmod(directory, 0o777)
    }

    deinit {
        try? commands.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Gives a command, and waits until it is done.
    func tell(_ command: String) throws {
        try commands.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
        let answer = try line()
        if answer != "ok" { throw Refusal(command: command, answer: answer) }
    }

    struct Refusal: Error {
        let command: String
        let answer: String
    }

    /// A daemon on this USB.
    ///
    /// - Parameters:
    ///   - board: keys of the section `usb`.
    ///   - wrapper: as for `DaemonProcess`.
    func daemon(
        _ board: String = "simulated: true", directory: SocketDirectory = SocketDirectory(),
        wrapper: [String] = [], program: String = "\(buildDirectory)/metrngd"
    ) throws -> DaemonProcess {
        try DaemonProcess(
            "boards: [{name: cable, kind: usb, usb: {\(board)}}]", directory: directory,
            wrapper: wrapper + surroundings, program: program)
    }

    /// A daemon on this USB with several entries.
    ///
    /// - Parameter entries: names, and keys of the section `usb`.
    func daemon(of entries: KeyValuePairs<String, String>) throws -> DaemonProcess {
        let boards = entries.map { "{name: \($0.key), kind: usb, usb: {\($0.value)}}" }
        return try DaemonProcess(
            "boards: [\(boards.joined(separator: ", "))]", wrapper: surroundings)
    }

    /// What goes before a program that is to see this USB.
    var surroundings: [String] { ["/usr/bin/env", "UMOCKDEV_DIR=\(directory)", Self.wrapper] }

    /// Lets programs of other users reach the sockets of umockdev, so that only the permissions of the
    /// devices themselves are in their way.
    func letEverybodyCall() {
        let folder = "\(directory)/ioctl"
        chmod(folder, 0o777)
        for name in FileManager.default.enumerator(atPath: folder) ?? .init() {
            chmod("\(folder)/\(name)", 0o777)
        }
    }

    private func line() throws -> String {
        while true {
            if let end = unread.firstIndex(of: 10) {
                defer { unread = Data(unread[(end + 1)...]) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            let more = answers.fileHandleForReading.availableData
            if more.isEmpty { throw Refusal(command: "", answer: "meboard has ended") }
            unread.append(more)
        }
    }
}
