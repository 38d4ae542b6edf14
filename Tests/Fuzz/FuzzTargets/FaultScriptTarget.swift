// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol

extension FuzzTarget {
    /// Fault scripts and lists of lanes. What is accepted is the same after it was written and read.
    static let faultScript = FuzzTarget("fault-script") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        checkScript(text)
        checkLanes(text)
    }
}

private func checkScript(_ text: String) {
    do throws(FaultScript.Defect) {
        let script = try FaultScript(parsing: text)
        require(script.orders.count <= FaultScript.orderLimit, "a script has a limited length")
        require(
            (try? FaultScript(parsing: script.text)) == script,
            "a script is the same after it was written and read")
        for order in script.orders {
            _ = order.defect(lanes: BoardDescription.laneLimits.lowerBound)
            require(order.forShots != 0, "a fault lasts, if not for ever")
        }
    } catch {
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline || $0 == ";" }
        require((1...lines.count).contains(error.line), "a defect is in a line of the script")
        require(!error.reason.isEmpty, "a defect has words")
    }
}

private func checkLanes(_ text: String) {
    guard let lanes = LaneList.parse(text) else { return }
    require(!lanes.isEmpty, "a list names a lane")
    require(zip(lanes, lanes.dropFirst()).allSatisfy(<), "lanes rise, each once")
    require(
        lanes.allSatisfy((0..<BoardDescription.laneLimits.upperBound).contains),
        "a lane is one that a board can have")
    require(
        LaneList.parse(LaneList.text(lanes)) == lanes,
        "lanes are the same after they were written and read")
}
