// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(
    "Daemons that are to feed the kernel: those that may not do not start; a wrong board or a missing capability feeds nothing and says why"
)
struct KernelFeedingTests {
    private static let feed = "kernel: {feed: true, intervalSeconds: 1}\n"

    /// What `mectl status --json` says of the feeding; nil when it says null.
    private static func kernel(_ daemon: DaemonProcess) throws -> [String: Any]? {
        let outcome = try mectl("status", "--json", directory: daemon.directory)
        let object = try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any]
        return (object?["service"] as? [String: Any])?["kernel"] as? [String: Any]
    }

    @Test(
        "One with bits that are not of hardware does not start: status 78, with key and remedy",
        arguments: [
            ("boards: [{name: a, kind: simulated}]\n", [String]()),
            ("boards: [{name: a, kind: usb, usb: {simulated: true}}]\n", []),
            ("boards: [{name: a, kind: usb}]\n", ["--simulated"]),
            ("boards: [{name: a, kind: usb}]\n", ["--replay", "/tape"]),
            ("boards: [{name: a, kind: host, lanes: 64, path: /dev/urandom}]\n", []),
        ])
    func refused(boards: String, options: [String]) throws {
        let directory = SocketDirectory()
        let file = try directory.write(boards + Self.feed, to: "feeding.yaml")
        let outcome = try run(
            "\(buildDirectory)/metrngd",
            ["--config", file, "--runtime-directory", directory.path] + options)
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("kernel.feed: found true with the board"))
        #expect(outcome.errors.contains("expected false, or only boards of kind usb"))
        #expect(directory.contents == ["feeding.yaml"])
    }

    @Test("A board that is not the hardware it is taken for feeds nothing, and that is told")
    func falseBoard() throws {
        let boards = try SoftwareBoards()
        let daemon = try DaemonProcess(
            "boards: [{name: cable, kind: usb}]\n" + Self.feed, wrapper: boards.surroundings)
        #expect(try eventually { try Self.kernel(daemon)?["cause"] is String })
        let kernel = try #require(try Self.kernel(daemon))
        #expect(kernel["contributions"] as? Int == 0)
        #expect(kernel["creditedBits"] as? Int == 0)
        #expect(kernel["lastFed"] is NSNull)
        let text = try mectl("status", directory: daemon.directory).text
        #expect(text.contains("\nkernel not fed: "))
        #expect(daemon.stop() == 0)
    }

    @Test("Without the capability the daemon serves on, and names it and the drop-in")
    func noCapability() throws {
        let daemon = try DaemonProcess(
            "boards: []\n" + Self.feed,
            wrapper: ["/usr/bin/setpriv", "--inh-caps=-all", "--bounding-set=-sys_admin"])
        #expect(eventually { daemon.logText.contains("kernel: not fed") })
        #expect(daemon.logText.contains("cannot add entropy to /dev/random"))
        let kernel = try #require(try Self.kernel(daemon))
        #expect((kernel["remedy"] as? String)?.contains("CAP_SYS_ADMIN") == true)
        #expect((kernel["remedy"] as? String)?.contains("kernel-feeding.conf") == true)
        #expect(daemon.stop() == 0)
    }

    @Test("One that is not told to feed says so")
    func off() throws {
        let daemon = try DaemonProcess()
        #expect(try Self.kernel(daemon) == nil)
        let text = try mectl("status", directory: daemon.directory).text
        #expect(text.contains("\nkernel not fed: kernel.feed is false\n"))
    }
}
