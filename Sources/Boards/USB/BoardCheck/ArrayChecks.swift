// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import USBBoard

// Checks of the array operations.
//
// Real arrays have stuck devices and err now and then. One lane in 16 may do otherwise than the document says; of a
// board that does not follow the document about half of them do.
extension BoardChecker {
    static let arrayChecks: [Check] = [
        Check(name: "states are written and read back", needs: .array) {
            (checker) throws(Finding) in
            let states = checker.pattern
            for wanted in [states, states.map { ~$0 }] {
                try checker.writeArray(wanted)
                try checker.require(
                    checker.agree(try checker.readArray(), wanted), "other states come back")
            }
            let again = try checker.readArray()
            try checker.require(
                checker.agree(again, states.map { ~$0 }), "a READ changes the states")
        },
        Check(name: "pulses switch devices", needs: .array) { (checker) throws(Finding) in
            try checker.pulseUntilSwitched()
        },
        Check(
            name: "impossible numbers of pulses and unknown operations are refused", needs: .array
        ) { (checker) throws(Finding) in try checker.refuseOperations() },
        Check(name: "bytes that no WRITE asked for halt the endpoint", needs: .array) {
            (checker) throws(Finding) in try checker.writeUnasked()
        },
        Check(name: "masked devices are neither written nor pulsed, and read as 0", needs: .masked) {
            (checker) throws(Finding) in try checker.operateMasked()
        },
    ]

    /// States that differ from byte to byte.
    var pattern: [UInt8] {
        (0..<info.lanes / 8).map { UInt8(truncatingIfNeeded: 37 * $0 + 11) }
    }

    /// Whether states agree in all lanes of `lanes` but a few.
    func agree(_ found: [UInt8], _ wanted: [UInt8], in lanes: [UInt8]? = nil) -> Bool {
        guard found.count == wanted.count else { return false }
        let other = found.indices.reduce(0) { sum, index in
            sum + ((found[index] ^ wanted[index]) & (lanes?[index] ?? 0xFF)).nonzeroBitCount
        }
        return other <= info.lanes / 16
    }

    private func pulseUntilSwitched() throws(Finding) {
        let zeros = [UInt8](repeating: 0, count: info.lanes / 8)
        for _ in 0..<64 {
            try writeArray(zeros)
            try pulseArray(1)
            if !agree(try readArray(), zeros) { return }
        }
        throw Finding("at the operating point after power-up, hardly a device switches in 64 tries")
    }

    private func refuseOperations() throws(Finding) {
        let code = BoardRequest.array.rawValue
        let pulse = ArrayOperation.pulse.rawValue
        try pulseArray(ArrayOperation.pulseLimit)
        try expectRefusal(.badValue, "no pulses") { access.set(code, value: pulse, [0, 0, 0, 0]) }
        try expectRefusal(.badValue, "65,537 pulses") {
            access.set(code, value: pulse, [1, 0, 1, 0])
        }
        try expectRefusal(.badLength, "pulses without a number") { access.set(code, value: pulse) }
        for operation in [ArrayOperation.write, .read] {
            try expectRefusal(.badLength, "\(operation.text) with a byte") {
                access.set(code, value: operation.rawValue, [0])
            }
        }
        try expectRefusal(.badValue, "operation 9") { access.set(code, value: 9) }
    }

    private func writeUnasked() throws(Finding) {
        try require(try isHalted(writing: pattern), "states are taken without a WRITE")
        do throws(BoardError) { try access.clearArrayHalt() } catch { throw Finding(error) }
        try writeArray(pattern)
        try require(agree(try readArray(), pattern), "a WRITE after that does not work")
    }

    private func isHalted(writing bytes: [UInt8]) throws(Finding) -> Bool {
        do throws(BoardError) { try access.write(bytes) } catch {
            if case .stalled = error { return true }
            throw Finding(error)
        }
        return false
    }

    private func operateMasked() throws(Finding) {
        let none = [UInt8](repeating: 0, count: info.lanes / 8)
        let masked = none.map { _ in 0x0F as UInt8 }
        let others = masked.map { ~$0 }
        try writeArray(pattern)
        try order(.setLaneMask, masked)
        try writeArray(pattern.map { ~$0 })
        let hidden = try readArray()
        try require(
            zip(hidden, masked).allSatisfy { $0 & $1 == 0 }, "masked lanes do not read as 0")
        try require(
            agree(hidden, pattern.map { ~$0 }, in: others),
            "with a mask, the other devices are not written")
        try pulseArray(16)
        try order(.setLaneMask, none)
        try require(
            agree(try readArray(), pattern, in: masked), "masked devices do not keep their states")
    }

    func pulseArray(_ count: Int) throws(Finding) {
        try order(
            .array, value: ArrayOperation.pulse.rawValue, ArrayOperation.bytes(pulses: count))
    }

    func writeArray(_ states: [UInt8]) throws(Finding) {
        try order(.array, value: ArrayOperation.write.rawValue)
        do throws(BoardError) { try access.write(states) } catch { throw Finding(error) }
    }

    func readArray() throws(Finding) -> [UInt8] {
        let stream = try CheckedStream(access)
        try order(.array, value: ArrayOperation.read.rawValue)
        let frame = try stream.next()
        try require(
            frame.header.shots == 1 && frame.header.flags == .last
                && Int(frame.header.wordsPerShot) == info.lanes / 64,
            "a frame of \(frame.header.shots) shots of \(frame.header.wordsPerShot) words with the flags"
                + " \(frame.header.flags.rawValue)")
        return frame.payload
    }
}

extension InfoRecord.Features {
    fileprivate static let masked: Self = [.array, .laneMask]
}
