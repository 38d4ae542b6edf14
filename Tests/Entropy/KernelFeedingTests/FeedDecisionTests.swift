// SPDX-License-Identifier: Apache-2.0

import EntropyTerms
import Glibc
import KernelFeeding
import LinuxPlatform
import Testing

@Suite(
    "What the kernel is credited with: for every provenance, grade and health; remedies")
struct FeedDecisionTests {
    private static let healths: [(FeedHealth, FeedRefusal?)] = [
        (FeedHealth(before: ["a"], after: ["a"]), nil),
        (FeedHealth(before: ["a"], after: ["a", "b"]), nil),
        (FeedHealth(before: [], after: []), .unhealthy),
        (FeedHealth(before: [], after: ["a"]), .unhealthy),
        (FeedHealth(before: ["a"], after: []), .failedMeanwhile),
        (FeedHealth(before: ["a", "b"], after: ["a"]), .failedMeanwhile),
        (FeedHealth(before: ["a"], after: ["b"]), .failedMeanwhile),
    ]

    @Test(
        "Every provenance with every grade and health: only conditioned bits of healthy hardware count",
        arguments: Provenance.allCases, Grade.allCases)
    func decisions(provenance: Provenance, grade: Grade) {
        for (health, refusal) in Self.healths {
            let outcome = Result { () throws(FeedRefusal) in
                try creditedBits(
                    byteCount: 64, provenance: provenance, grade: grade, health: health)
            }
            let expected: Result<Int, FeedRefusal> =
                switch (provenance, grade) {
                case (.simulated, _), (.replay, _), (.host, _):
                    .failure(.notHardware(provenance))
                case (.hardware, .raw), (.hardware, .expand): .failure(.notFull(grade))
                case (.hardware, .full): refusal.map { .failure($0) } ?? .success(512)
                }
            #expect(outcome == expected)
        }
    }

    @Test("Eight bits a byte and no more", arguments: [1, 32, 64, 4096])
    func credit(bytes: Int) throws {
        let health = FeedHealth(before: ["a"], after: ["a"])
        #expect(
            try creditedBits(
                byteCount: bytes, provenance: .hardware, grade: .full, health: health)
                == 8 * bytes)
    }

    @Test(
        "What the kernel refuses comes with a remedy",
        arguments: [(EPERM, "CAP_SYS_ADMIN"), (ENOENT, "DeviceAllow="), (EIO, "kernel.feed")])
    func remedies(code: Int32, remedy: String) {
        let refusal = FeedRefusal.kernel(SystemError("open", "/dev/random", code: code))
        #expect(refusal.remedy?.contains(remedy) == true)
        #expect(refusal.cause.contains("/dev/random"))
    }
}
