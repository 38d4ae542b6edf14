// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import USBBoard

// Requests for lanes aside that a board refuses.
extension BoardChecker {
    func refuseAside() throws(Finding) {
        let array = BoardRequest.array.rawValue
        let (write, pulse) = (AsideOperation.write.rawValue, AsideOperation.pulse.rawValue)
        let read = AsideOperation.read.rawValue
        try order(.lanesAside, half)
        try pulseAside(ArrayOperation.pulseLimit)
        try expectRefusal(.badValue, "no pulses, aside") {
            access.set(array, value: pulse, [0, 0, 0, 0])
        }
        try expectRefusal(.badValue, "65,537 pulses, aside") {
            access.set(array, value: pulse, [1, 0, 1, 0])
        }
        try expectRefusal(.badLength, "pulses without a number, aside") {
            access.set(array, value: pulse)
        }
        try expectRefusal(.badLength, "a byte of states, aside") {
            access.set(array, value: write, [0])
        }
        try expectRefusal(.badLength, "a byte of LANES_ASIDE") {
            access.set(BoardRequest.lanesAside.rawValue, [0])
        }
        try expectRefusal(.badLength, "a byte of mask, aside") {
            access.set(BoardRequest.setLaneMask.rawValue, value: LaneSet.aside.rawValue, [0])
        }
        try expectRefusal(.unknownRequest, "READ to the board, aside") {
            access.set(array, value: read)
        }
        try expectRefusal(.unknownRequest, "WRITE from the board, aside") {
            access.get(array, value: write, count: info.lanes / 8)
        }
        try expectRefusal(.badValue, "operation 0x14") { access.set(array, value: 0x14) }
        try expectRefusal(.badValue, "the point of a third set of lanes") {
            access.get(
                BoardRequest.operatingPoint.rawValue, value: 2,
                count: OperatingPointRecord.byteCount)
        }
        var high = try point(of: .aside)
        high.amplitudeMillivolts = info.tuning.amplitudeMillivolts.upperBound + 1
        try expectRefusal(.badValue, "\(high.text), aside") {
            access.set(
                BoardRequest.operatingPoint.rawValue, value: LaneSet.aside.rawValue,
                OperatingPointRecord(high).bytes)
        }
        try require(try lanesAside() == half, "a refused request has changed the lanes aside")
    }

    func refuseInLinkTest() throws(Finding) {
        let code = BoardRequest.array.rawValue
        let requests: [(String, () -> BoardAccess.Outcome)] = [
            ("LANES_ASIDE", { access.set(BoardRequest.lanesAside.rawValue, none) }),
            (
                "LANES_ASIDE from the board",
                { access.get(BoardRequest.lanesAside.rawValue, count: none.count) }
            ),
            ("WRITE", { access.set(code, value: AsideOperation.write.rawValue, none) }),
            ("PULSE", { access.set(code, value: AsideOperation.pulse.rawValue, [1, 0, 0, 0]) }),
            ("READ", { access.get(code, value: AsideOperation.read.rawValue, count: none.count) }),
            (
                "the mask",
                {
                    access.set(
                        BoardRequest.setLaneMask.rawValue, value: LaneSet.aside.rawValue, none)
                }
            ),
            (
                "a trim",
                {
                    access.set(
                        BoardRequest.setLaneTrim.rawValue,
                        value: LaneSet.aside.trimValue(firstLane: 0), [0, 0])
                }
            ),
            (
                "the point",
                {
                    access.get(
                        BoardRequest.operatingPoint.rawValue, value: LaneSet.aside.rawValue,
                        count: OperatingPointRecord.byteCount)
                }
            ),
        ]
        for (name, request) in requests {
            try expectRefusal(.streaming, "\(name) of lanes aside in the link test", request)
        }
    }
}
