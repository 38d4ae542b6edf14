// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import EntropyTerms
import Foundation
import Glibc
import TestSupport
import Testing

@Suite(
    "The daemon's life: start, stop with clients of every kind, second daemons, live and stale sockets, reload"
)
struct LifecycleTests {
    @Test(
        "It serves, stops on a signal with status 0, and leaves nothing behind",
        arguments: [SIGTERM, SIGINT])
    func servesAndStops(signal: Int32) throws {
        let daemon = try DaemonProcess()
        let connection = try daemon.connect()
        #expect(try Set(connection.read(count: 4096)).count > 200)
        #expect(connection.origin?.provenance == .simulated)
        daemon.send(signal)
        #expect(daemon.waitForExit() == 0)
        #expect(daemon.directory.contents == ["log"])
    }

    @Test("A daemon that crashes dies at once and prints nothing of its memory, whatever SWIFT_BACKTRACE asks for")
    func crashes() throws {
        let daemon = try DaemonProcess(wrapper: ["/usr/bin/env", "SWIFT_BACKTRACE=enable=yes,color=no"])
        let log = daemon.logText
        daemon.send(SIGSEGV)
        #expect(daemon.waitForSignal() == SIGSEGV)
        #expect(daemon.logText == log)
    }

    @Test(
        "A directory in which others may replace the sockets is warned of",
        arguments: [0o700, 0o755, 0o1777, 0o770, 0o777])
    func openDirectory(mode: Int) throws {
        let directory = SocketDirectory()
        try #require(chmod(directory.path, mode_t(mode)) == 0)
        let daemon = try DaemonProcess(directory: directory)
        let isOpen = mode == 0o770 || mode == 0o777
        #expect(daemon.stop() == 0)
        #expect(daemon.logText.contains("may replace the sockets in \(directory.path)") == isOpen)
    }

    @Test("Its arguments, and those of mectl, count also without /proc")
    func withoutProc() throws {
        let directory = SocketDirectory()
        let file = try directory.write("log: {level: debug}", to: "c.yaml")
        let rights = geteuid() == 0 ? [] : ["--user", "--map-root-user"]
        func outcome(_ program: String, _ arguments: String...) throws -> Outcome {
            try run(
                "/usr/bin/unshare",
                rights + ["--mount", "/bin/sh", "-c", #"mount -t tmpfs none /proc && exec "$@""#, "sh"]
                    + ["\(buildDirectory)/\(program)"] + arguments)
        }
        let check = try outcome("metrngd", "--check-config", "--config", file)
        #expect(check.text.contains("the configuration is valid (\(file))"))
        #expect(try outcome("metrngd", "--no-such-option").status == 64)
        #expect(try outcome("mectl", "--version").text.hasPrefix("mectl "))
        #expect(try outcome("mectl", "boards", "--socket", directory.control).errors.contains(directory.control))
    }

    @Test("Clients of every kind do not hold up its stop")
    func stopsWithClients() throws {
        let daemon = try DaemonProcess()
        let silent = try (0..<20).map { _ in try RawClient(daemon.directory.entropy) }
        let silentControl = try (0..<20).map { _ in try RawClient(daemon.directory.control) }
        let neverReading = try (0..<20).map { _ in try RawClient(daemon.directory.entropy) }
        for client in neverReading { client.send(readRequest(length: 1 << 20)) }
        let watching = try RawClient(daemon.directory.control)
        watching.send(
            Array(#"{"method":"org.metrng.Control.Watch","more":true,"parameters":{}}"#.utf8) + [0])
        #expect(!watching.receive(atMost: 1 << 16).isEmpty)
        #expect(daemon.stop() == 0)
        withExtendedLifetime((silent, silentControl, neverReading)) {}
    }

    @Test("A second daemon for the same directory is refused, and the first is untouched")
    func refusesASecondDaemon() throws {
        let daemon = try DaemonProcess()
        let second = try run(
            "\(buildDirectory)/metrngd",
            ["--simulated", "--runtime-directory", daemon.directory.path])
        #expect(second.status == 1)
        #expect(second.errors.contains("another metrngd uses \(daemon.directory.path)"))
        #expect(try daemon.connect().read(count: 32).count == 32)
    }

    @Test("A socket that another program serves is refused")
    func refusesALiveSocket() throws {
        let directory = SocketDirectory()
        let other = try DaemonProcess()
        try FileManager.default.linkItem(
            atPath: other.directory.entropy, toPath: directory.entropy)
        let outcome = try run(
            "\(buildDirectory)/metrngd", ["--simulated", "--runtime-directory", directory.path])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("another program is serving \(directory.entropy)"))
    }

    @Test("Sockets left by a killed daemon are replaced")
    func replacesStaleSockets() throws {
        let directory = SocketDirectory()
        let killed = try DaemonProcess(directory: directory)
        killed.send(SIGKILL)
        #expect(killed.waitForExit() == nil)
        #expect(directory.contents.contains("entropy.sock"))
        let daemon = try DaemonProcess(directory: directory)
        #expect(try daemon.connect().read(count: 32).count == 32)
        #expect(daemon.stop() == 0)
    }

    @Test("A file that is no socket is refused and left alone")
    func refusesAFile() throws {
        let directory = SocketDirectory()
        let file = try directory.write("precious", to: "entropy.sock")
        let outcome = try run(
            "\(buildDirectory)/metrngd", ["--simulated", "--runtime-directory", directory.path])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("\(file) exists and is not a socket"))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
    }

    @Test("A missing directory is refused with the remedy")
    func refusesAMissingDirectory() throws {
        let outcome = try run(
            "\(buildDirectory)/metrngd", ["--simulated", "--runtime-directory", "/tmp/metrng-none"])
        #expect(outcome.status == 1)
        #expect(
            outcome.errors.contains(
                "create the directory, or choose another directory for the sockets with --runtime-directory"))
    }

    @Test("mectl reload does, and tells what came of it")
    func reloadOnRequest() throws {
        let daemon = try DaemonProcess("boards: [{name: array0, seed: 1}]\n")
        #expect(try mectl("reload", directory: daemon.directory).text == "no changes\n")
        _ = try daemon.directory.write(
            "boards: [{name: array0, seed: 2}]\nlog: {level: debug}\n", to: "metrngd.yaml")
        let taken = try mectl("reload", directory: daemon.directory)
        #expect(taken.status == 0)
        #expect(taken.text.contains("log.level is now debug, was info\n"))
        #expect(taken.text.contains("boards[0].seed is still 1: 2 needs a restart\n"))
        _ = try daemon.directory.write("log: {level: loud}\n", to: "metrngd.yaml")
        let refused = try mectl("reload", directory: daemon.directory)
        #expect(refused.status == 1)
        #expect(refused.errors.contains("metrngd.yaml:1:14: log.level: "))
        let configuration = try mectl("config", "show", directory: daemon.directory)
        #expect(configuration.text.contains("level: debug"))
        #expect(daemon.stop() == 0)
    }

    @Test("SIGHUP takes up what can change, and says what cannot")
    func reloads() throws {
        let text = "boards: [{name: array0, seed: 1}]\nlog: {level: info}\n"
        let daemon = try DaemonProcess(text)
        _ = try daemon.directory.write(
            "boards: [{name: array0, seed: 2}]\nlog: {level: debug}\nentropy: {maximumClients: 3}\n",
            to: "metrngd.yaml")
        daemon.send(SIGHUP)
        #expect(daemon.tells("read the configuration again"))
        #expect(daemon.tells("entropy.maximumClients is now 3, was 256"))
        #expect(daemon.tells("log.level is now debug, was info"))
        #expect(daemon.tells("needs a restart"))
        let clients = try (0..<3).map { _ in try daemon.connect() }
        for client in clients { #expect(try client.read(count: 8).count == 8) }
        #expect(throws: EntropyError.overQuota) { try daemon.connect().read(count: 8) }
        _ = try daemon.directory.write("log: {level: loud}\n", to: "metrngd.yaml")
        daemon.send(SIGHUP)
        #expect(daemon.tells("was not applied"))
        #expect(daemon.logText.contains("metrngd.yaml"))
        #expect(try clients[0].read(count: 8).count == 8)
    }

    @Test("An operating point is logged to a tenth of its units")
    func operatingPointInLog() throws {
        let daemon = try DaemonProcess()
        let outcome = try mectl("set", "--amplitude", "1230", "--width", "433.33333", directory: daemon.directory)
        #expect(outcome.status == 0)
        #expect(daemon.tells("the operating point is 1230 mV, 433.3 ps, 20000 µT\n"))
        #expect(daemon.stop() == 0)
    }
}
