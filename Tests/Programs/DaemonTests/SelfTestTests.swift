// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(
    "The self-test at the start: a daemon whose hash is faulty does not start")
struct SelfTestTests {
    /// The first two round constants of SHA-256 as they lie in memory.
    private static let roundConstants = Data([0x98, 0x2f, 0x8a, 0x42, 0x91, 0x44, 0x37, 0x71])

    @Test("A daemon whose hash is faulty stops before it serves anything")
    func faultyHash() throws {
        let directory = SocketDirectory()
        let program = "\(directory.path)/metrngd"
        var image = try Data(contentsOf: URL(fileURLWithPath: "\(buildDirectory)/metrngd"))
        var found = 0
        while let range = image.range(of: Self.roundConstants) {
            image[range.lowerBound] ^= 1
            found += 1
        }
        try #require(found > 0)
        try image.write(to: URL(fileURLWithPath: program))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program)
        let outcome = try run(program, ["--simulated", "--runtime-directory", directory.path])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("the self-test of the conditioner failed"))
        #expect(directory.contents == ["metrngd"])
    }
}
