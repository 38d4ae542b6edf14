// SPDX-License-Identifier: Apache-2.0

import EntropyClient
import Foundation
import TestSupport
import Testing

@Suite("EGD and the names of clients at the running daemon: what is served, to whom, and what the status says")
struct EGDTests {
    private static let genuine = "boards: [{name: host0, kind: host, path: /dev/urandom, lanes: 64}]\n"

    @Test("A daemon with random bits serves EGD, and names the client and its bytes")
    func serves() throws {
        let daemon = try DaemonProcess(Self.genuine + "egd: {serve: true, socketMode: '0600'}")
        let path = "\(daemon.directory.path)/egd.sock"
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        let client = try RawClient(path)
        client.send([2, 255, 2, 1, 4])
        let bytes = client.receive(count: 256)
        #expect(Set(bytes).count > 100)
        #expect(client.receive(atMost: 1) == [UInt8("\(daemon.processID)".utf8.count)])
        let service = try #require(try status(of: daemon)["service"] as? [String: Any])
        #expect(service["egdSocket"] as? String == path)
        let clients = try #require(service["topClients"] as? [[String: Any]])
        #expect(clients.map { $0["name"] as? String } == ["EGD"])
        #expect(clients.map { $0["deliveredBytes"] as? Int } == [256])
        #expect(try mectl("status", directory: daemon.directory).text.contains("  EGD\n"))
        #expect(daemon.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A daemon whose bits are not random does not start with EGD, and does where that is allowed")
    func simulated() throws {
        let refused = try DaemonProcess("boards: [{kind: simulated}]\negd: {serve: true}")
        #expect(refused.waitForExit() == 78)
        #expect(refused.logText.contains("EGD cannot tell clients that bits are not random"))
        let daemon = try DaemonProcess("boards: [{kind: simulated}]\negd: {serve: true, allowSimulated: true}")
        let client = try RawClient("\(daemon.directory.path)/egd.sock")
        client.send([2, 32])
        #expect(client.receive(count: 32).count == 32)
        #expect(daemon.stop() == 0)
    }

    @Test("Without the key there is no socket, and the status has none")
    func off() throws {
        let daemon = try DaemonProcess(Self.genuine)
        #expect(!daemon.directory.contents.contains("egd.sock"))
        let service = try #require(try status(of: daemon)["service"] as? [String: Any])
        #expect(service["egdSocket"] is NSNull)
        #expect(daemon.stop() == 0)
    }

    @Test("A client of MEP/1 that gives a name is shown with it; one whose name is no printable ASCII is closed")
    func names() throws {
        let daemon = try DaemonProcess()
        let client = try RawClient(daemon.directory.entropy)
        client.send(Self.name("Python 3.11, libmetrng 0.1.0"))
        #expect(client.receive(count: 24)[1] == 0)
        let hostile = try RawClient(daemon.directory.entropy)
        hostile.send(Self.name("\u{1B}[2Jroot"))
        #expect(hostile.receiveAll()[1] == 2)
        let text = try mectl("status", directory: daemon.directory).text
        #expect(text.contains("CLIENT\n") && text.contains("  Python 3.11, libmetrng 0.1.0\n"))
        #expect(!text.contains("root\n"))
        #expect(daemon.stop() == 0)
    }

    @Test("A request for genuine bits is denied by a simulated array, and nothing is drawn")
    func genuineOnly() throws {
        let daemon = try DaemonProcess()
        let client = try RawClient(daemon.directory.entropy)
        client.send(readRequest(length: 32, flags: 2))
        #expect(client.receive(count: 24)[1] == 3)
        let service = try #require(try status(of: daemon)["service"] as? [String: Any])
        let clients = try #require(service["topClients"] as? [[String: Any]])
        #expect(clients.map { $0["deliveredBytes"] as? Int } == [0])
        #expect(daemon.stop() == 0)
    }

    private static func name(_ text: String) -> [UInt8] {
        [1, 4, 0, 0, UInt8(text.utf8.count), 0, 0, 0] + [UInt8](repeating: 0, count: 8) + Array(text.utf8)
    }

    private func status(of daemon: DaemonProcess) throws -> [String: Any] {
        let json = try mectl("status", "--json", directory: daemon.directory).text
        return try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    }
}
