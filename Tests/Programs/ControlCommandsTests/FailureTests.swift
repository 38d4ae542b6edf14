// SPDX-License-Identifier: Apache-2.0

import ControlCommands
import ControlInterface
import LinuxPlatform
import RecordingFormat
import Recordings
import Testing
import Varlink

@Suite(
    "Failures: exit status, message and hint of every error")
struct FailureTests {
    private static func daemon(_ error: VarlinkClientError) -> Failure {
        .daemon(.varlink(error), path: "/s")
    }

    @Test(
        "Each has its exit code, one error and at most one hint",
        arguments: [
            (.daemon(.control(.noSuchBoard(asked: "", boards: [])), path: "/s"), .notHealthy),
            (.daemon(.control(.noSuchBoard(asked: "a", boards: [])), path: "/s"), .noSuchBoard),
            (.daemon(.control(.noSuchBoard(asked: "a", boards: ["b"])), path: "/s"), .noSuchBoard),
            (
                .daemon(.control(.ambiguousBoard(asked: "s", boards: ["b", "c"])), path: "/s"),
                .noSuchBoard
            ),
            (
                .daemon(.control(.noSuchBoard(asked: "", boards: ["b", "c"])), path: "/s"),
                .noSuchBoard
            ),
            (daemon(.unreachable(SystemError("connect to", "/s", code: 2))), .unreachable),
            (daemon(.notPermitted(SystemError("connect to", "/s", code: 13))), .notPermitted),
            (daemon(.disconnected), .unreachable),
            (daemon(.timedOut(milliseconds: 10_000)), .unreachable),
            (daemon(.remote(.permissionDenied)), .notPermitted),
            (daemon(.remote(.methodNotFound("a.B"))), .failure),
            (daemon(.badReply(.malformed)), .failure),
            (daemon(.replyTooLong(limit: 1)), .failure),
            (daemon(.badParameters(.malformed)), .failure),
            (.output(.system(SystemError("write to", "the standard output", code: 28))), .failure),
            (.json(.notRepresentable(path: "p")), .failure),
            (.daemon(.control(.notPermitted), path: "/s"), .notPermitted),
            (.daemon(.control(.notSimulated(board: "b")), path: "/s"), .failure),
            (.daemon(.control(.notTunable(board: "b")), path: "/s"), .failure),
            (.daemon(.control(.noSuchPreset(board: "b", preset: "p", presets: [])), path: "/s"), .usage),
            (
                .daemon(
                    .control(.outOfRange(quantity: "q", value: 2, minimum: 0, maximum: 1)),
                    path: "/s"), .usage
            ),
            (.daemon(.control(.busy(board: "b")), path: "/s"), .failure),
            (.daemon(.control(.boardFailed(board: "b", cause: "c")), path: "/s"), .notHealthy),
            (.daemon(.control(.badFault(reason: "r")), path: "/s"), .usage),
            (.daemon(.control(.noDescriptor), path: "/s"), .failure),
            (.daemon(.control(.recordingFailed(cause: "c")), path: "/s"), .failure),
            (.file(SystemError("create", "/f", code: 17)), .failure),
            (.file(SystemError("create", "/f", code: 13)), .failure),
            (.export(.notARestartRecording, file: "/f", kept: nil), .failure),
            (.export(.gap(afterShots: 3), file: "/f", kept: "/o"), .failure),
            (.nothingProposed, .failure), (.interrupted, .interrupted),
        ] as [(Failure, MectlExit)])
    func failures(failure: Failure, status: MectlExit) {
        #expect(failure.exitCode == status)
        let lines = failure.message.split(separator: "\n")
        #expect(lines.first?.hasPrefix("mectl: error: ") == true)
        #expect(lines.count <= 2 && lines.dropFirst().allSatisfy { $0.hasPrefix("mectl: hint: ") })
    }

    @Test(
        "Samples that fail come with what to do in words of mectl",
        arguments: [
            (.allow, "--allow-simulated"), (.start, "--entropy-socket"), (.otherSocket, "--entropy-socket"),
            (.access(path: "/s"), "/s"), (nil, nil),
        ] as [(SamplesRemedy?, String?)])
    func samples(remedy: SamplesRemedy?, word: String?) {
        let failure = Failure.samples(.failure, "m", remedy: remedy)
        #expect(failure.message.hasPrefix("mectl: error: m\n"))
        #expect(failure.message.contains("mectl: hint: ") == (word != nil))
        #expect(word.map { failure.message.contains($0) } ?? true)
    }

    @Test("Nobody is told that the reader of the output has gone")
    func closedOutput() {
        #expect(Failure.output(.closed).exitCode == .success)
        #expect(Failure.output(.closed).message == "")
    }
}
