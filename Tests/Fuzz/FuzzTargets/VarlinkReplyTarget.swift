// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Varlink

extension FuzzTarget {
    /// The client's side of the control plane: a reply, read as that to each method.
    static let varlinkReply = FuzzTarget("varlink-reply") { bytes in
        check(StatusReport.self, bytes)
        check(BoardList.self, bytes)
        check(HealthReply.self, bytes)
        check(ConfigurationReport.self, bytes)
        check(CalibrationProgress.self, bytes)
        check(RecordingProgress.self, bytes)
        check(ReloadReport.self, bytes)
        check(JSONValue.self, bytes)
    }

    private static func check<Reply: Codable & Equatable>(
        _ type: Reply.Type, _ bytes: UnsafeRawBufferPointer
    ) {
        do throws(VarlinkClientError) {
            let reply = try VarlinkReply<Reply>(parsing: bytes)
            require(
                isUnchanged(reply.parameters), "a reply is the same after it was written and read")
        } catch {
            switch error {
            case .remote(let error): checkError(error)
            case .badReply: break
            default: fatalError("a reply fails as no reply can: \(error)")
            }
        }
    }

    private static func isUnchanged<Reply: Codable & Equatable>(_ reply: Reply) -> Bool {
        guard let text = try? encodeJSON(reply) else { return false }
        return (try? decodeJSON(Reply.self, from: text)) == reply
    }

    /// An error that is known carries the same after it was written and read.
    private static func checkError(_ error: VarlinkError) {
        guard let known = ControlError(error) else { return }
        require(ControlError(known.varlink) == known, "an error keeps what it carries")
    }
}
