// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import Boards
package import USBBoard

/// Runs a board through docs/board-protocol.md.
package struct BoardChecker {
    let access: BoardAccess
    /// What it says of itself, once that could be read.
    package let info: InfoRecord

    package enum Verdict: Sendable, Equatable {
        case passed
        /// With what was found.
        case failed(String)
        /// The board says that it does not have this.
        case notOffered
    }

    package struct Result: Sendable, Equatable {
        package let check: String
        package let verdict: Verdict
    }

    /// One thing that is looked at.
    struct Check: Sendable {
        let name: String
        /// What the board has to have for it.
        var needs: InfoRecord.Features = []
        let run: @Sendable (BoardChecker) throws(Finding) -> Void
    }

    /// - Throws: when the board does not tell what it is, without which there is nothing to check.
    package init(_ access: BoardAccess) throws(BoardError) {
        self.access = access
        guard case .done(let bytes) = access.get(BoardRequest.getInfo.rawValue, count: 256) else {
            throw .stalled("\(access.name): GET_INFO is not answered")
        }
        do throws(RecordDefect) {
            info = try InfoRecord(parsing: bytes)
        } catch {
            throw .unsupported("\(access.name): \(error)")
        }
    }

    /// Does all checks, each from an idle board. Takes a few seconds, and leaves the board as after power-up.
    package func run() -> [Result] {
        let results = (Self.requestChecks + Self.streamChecks + Self.arrayChecks).map { check in
            Result(check: check.name, verdict: verdict(of: check))
        }
        _ = access.set(BoardRequest.reset.rawValue)
        return results
    }

    private func verdict(of check: Check) -> Verdict {
        guard info.features.isSuperset(of: check.needs) else { return .notOffered }
        do throws(Finding) {
            try order(.reset)
            try check.run(self)
            return .passed
        } catch {
            return .failed(error.text)
        }
    }

    // MARK: What checks are made of

    func get(_ request: BoardRequest, value: UInt16 = 0, count: Int) throws(Finding) -> [UInt8] {
        switch access.get(request.rawValue, value: value, count: count) {
        case .done(let bytes): return bytes
        case let other: throw Finding("\(request): \(other)")
        }
    }

    func order(
        _ request: BoardRequest, value: UInt16 = 0, _ bytes: [UInt8] = []
    ) throws(Finding) {
        let outcome = access.set(request.rawValue, value: value, bytes)
        if outcome != .done([]) { throw Finding("\(request): \(outcome)") }
    }

    func status() throws(Finding) -> StatusRecord {
        let bytes = try get(.getStatus, count: 2 * StatusRecord.byteCount)
        do throws(RecordDefect) { return try StatusRecord(parsing: bytes) } catch {
            throw Finding("the status: \(error)")
        }
    }

    /// Lets a request be refused, for the right reason, and nothing else happen.
    func expectRefusal(
        _ reason: StatusRecord.Refusal, _ what: String, _ request: () -> BoardAccess.Outcome
    ) throws(Finding) {
        let before = try status()
        let outcome = request()
        guard outcome == .refused else { throw Finding("\(what): \(outcome), and not refused") }
        let after = try status()
        guard after.lastRefusal == reason, after.refusals == before.refusals &+ 1 else {
            throw Finding(
                "\(what) was refused; the status says \(after.lastRefusal), \(after.refusals)"
                    + " refusals, instead of \(reason), \(before.refusals &+ 1)")
        }
        guard after.activity == before.activity else {
            throw Finding("\(what): the board was \(before.activity) and is \(after.activity)")
        }
    }

    func require(_ holds: Bool, _ text: @autoclosure () -> String) throws(Finding) {
        if !holds { throw Finding(text()) }
    }
}
