// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import BoardProtocol
package import USBBoard

/// Runs a board through docs/board-protocol.md.
package struct BoardChecker {
    let access: BoardAccess
    /// The board's own record of information.
    package let info: InfoRecord

    package enum Verdict: Sendable, Equatable {
        case passed
        /// The board violates the document; holds the finding.
        case failed(String)
        /// The board does not have the feature.
        case notOffered
    }

    package struct Result: Sendable, Equatable {
        package let check: String
        package let verdict: Verdict
    }

    /// A single check.
    struct Check: Sendable {
        let name: String
        /// The features that it uses.
        var needs: InfoRecord.Features = []
        let run: @Sendable (BoardChecker) throws(Finding) -> Void
    }

    private static let allChecks = requestChecks + streamChecks + arrayChecks + asideChecks

    /// - Throws: when the board gives no record of information, without which nothing can be checked.
    package init(_ access: BoardAccess) throws(BoardError) {
        self.access = access
        let outcome = access.get(BoardRequest.getInfo.rawValue, count: 256)
        guard case .done(let bytes) = outcome else {
            throw outcome == .gone
                ? .absent("\(access.name) was unplugged")
                : .stalled("\(access.name): \(BoardRequest.getInfo.text): \(outcome)")
        }
        do throws(RecordDefect) {
            info = try InfoRecord(parsing: bytes)
        } catch {
            throw .unsupported("\(access.name): \(error)")
        }
    }

    /// Does all checks, each from an idle board. Takes a few seconds, and leaves the board as after power-up.
    ///
    /// - Throws: `absent` when the board was unplugged meanwhile.
    package func run() throws(BoardError) -> [Result] {
        var results: [Result] = []
        for check in Self.allChecks {
            results.append(Result(check: check.name, verdict: try verdict(of: check)))
        }
        _ = access.set(BoardRequest.reset.rawValue)
        return results
    }

    private func verdict(of check: Check) throws(BoardError) -> Verdict {
        guard info.features.isSuperset(of: check.needs) else { return .notOffered }
        do throws(Finding) {
            try order(.reset)
            try check.run(self)
            return .passed
        } catch {
            guard case .wrong(let text) = error else {
                throw .absent("\(access.name) was unplugged in the check \"\(check.name)\"")
            }
            // A bus that loses a board may call it something else at first.
            try access.checkPresence()
            return .failed(text)
        }
    }

    // MARK: Steps of checks

    func get(_ request: BoardRequest, value: UInt16 = 0, count: Int) throws(Finding) -> [UInt8] {
        switch access.get(request.rawValue, value: value, count: count) {
        case .done(let bytes): return bytes
        case let other: throw Finding(request.text, other)
        }
    }

    func order(
        _ request: BoardRequest, value: UInt16 = 0, _ bytes: [UInt8] = []
    ) throws(Finding) {
        let outcome = access.set(request.rawValue, value: value, bytes)
        if outcome != .done([]) { throw Finding(request.text, outcome) }
    }

    func status() throws(Finding) -> StatusRecord {
        let bytes = try get(.getStatus, count: 2 * StatusRecord.byteCount)
        do throws(RecordDefect) { return try StatusRecord(parsing: bytes) } catch {
            throw Finding("the status: \(error)")
        }
    }

    /// Makes a request, and requires that it is refused for the right reason and changes nothing else.
    func expectRefusal(
        _ reason: StatusRecord.Refusal, _ what: String, _ request: () -> BoardAccess.Outcome
    ) throws(Finding) {
        let before = try status()
        let outcome = request()
        guard outcome == .refused else {
            throw Finding("\(what) must be refused", outcome)
        }
        let after = try status()
        guard after.lastRefusal == reason, after.refusals == before.refusals &+ 1 else {
            throw Finding(
                "\(what) was refused; the status says code \(after.lastRefusal.rawValue),"
                    + " \(after.refusals) refusals, instead of code \(reason.rawValue),"
                    + " \(before.refusals &+ 1)")
        }
        guard after.activity == before.activity else {
            throw Finding(
                "\(what): the board was \(before.activity.text) and is \(after.activity.text)")
        }
    }

    func require(_ holds: Bool, _ text: @autoclosure () -> String) throws(Finding) {
        if !holds { throw Finding(text()) }
    }
}
