// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
import BoardProtocol
package import SimulatedBoard
package import SoftwareUSB
import Synchronization

/// A software board that speaks MEB/1: a simulated array behind the requests and endpoints of a real board,
/// and the ways in which a board on a cable fails. It describes itself as simulated.
///
/// A port calls it from one thread; the fault may be set from any thread.
package final class SoftwareBoard: USBFunction, Sendable {
    private struct State {
        var handler: RequestHandler
        var fault: BoardFault?
    }

    package static let firmware: (major: UInt8, minor: UInt8) = (1, 0)
    private static let product = "ME-MTJ software board (simulated)"
    /// Bytes in a transfer while transfers are short.
    private static let shortTransfer = 1000

    package let identity: USBIdentity
    private let array: SimulatedArrayBoard
    private let state: Mutex<State>

    /// - Parameters:
    ///   - array: the board's own from now on.
    ///   - minorVersion: of MEB. A board of version 0 cannot set lanes aside.
    package init(
        _ array: SimulatedArrayBoard, serial: String, speed: USBSpeed,
        minorVersion: UInt8 = BoardInterface.minorVersion
    ) throws(BoardError) {
        let description = try array.open()
        guard let tuning = description.tuning else {
            throw .unsupported("an array that cannot be tuned")
        }
        self.array = array
        identity = BoardDescriptors.identity(
            speed: speed, product: Self.product, serial: serial, firmware: Self.firmware)
        let handler = RequestHandler(array, description, tuning, minorVersion: minorVersion)
        state = Mutex(State(handler: handler))
    }

    /// Fails in the given way from now on; nil ends the fault.
    package func fail(_ fault: BoardFault?) {
        state.withLock { state in
            array.clearFaults()
            if let order = fault?.orderToArray { _ = array.inject(order) }
            state.fault = fault
            state.handler.arrayFault = fault
        }
    }

    // MARK: USBFunction

    package func control(
        _ setup: USBSetup, data: UnsafeMutableRawBufferPointer
    ) -> USBOutcome {
        state.withLock { state in
            switch state.fault {
            case .hang, .mutedRequests: return .notYet
            case .refusal: return .failed(.stall)
            case .nonsense: return .done(setup.isFromDevice ? Self.fillWithNonsense(data) : 0)
            default: break
            }
            let outcome = state.handler.handle(setup, data: data)
            if state.fault == .otherVersion, setup.request == BoardRequest.getInfo.rawValue,
                !data.isEmpty
            {
                data[0] = BoardInterface.majorVersion + 1
            }
            return outcome
        }
    }

    package func read(
        endpoint: UInt8, into buffer: UnsafeMutableRawBufferPointer
    ) -> USBOutcome {
        guard endpoint == BoardInterface.streamEndpoint else { return .notYet }
        return state.withLock { state in
            switch state.fault {
            case .hang, .silence: return .notYet
            case .stall: return .failed(.stall)
            case .babble: return .failed(.overflow)
            case .protocolError: return .failed(.protocolError)
            case .nonsense: return .done(Self.fillWithNonsense(buffer))
            default: break
            }
            let isShort = state.fault == .shortTransfers
            let room = isShort ? min(buffer.count, Self.shortTransfer) : buffer.count
            let count = state.handler.read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<room]))
            return count == 0 ? .notYet : .done(count)
        }
    }

    package func write(endpoint: UInt8, _ bytes: UnsafeRawBufferPointer) -> USBOutcome {
        guard endpoint == BoardInterface.arrayEndpoint else { return .failed(.stall) }
        return state.withLock { state in
            state.fault == .hang ? .notYet : state.handler.write(bytes)
        }
    }

    package func clearHalt(endpoint: UInt8) {}

    package func reset() { state.withLock { $0.handler.reset() } }

    private static func fillWithNonsense(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        for index in buffer.indices {
            buffer[index] = UInt8(truncatingIfNeeded: 0x5A &+ 37 &* index)
        }
        return buffer.count
    }
}

extension BoardFault {
    /// The order to the array that makes this fault; nil for a fault that the array has no part in.
    fileprivate var orderToArray: FaultOrder? {
        switch self {
        case .corruptedFrames: FaultOrder(.corruptedFrames)
        case .droppedFrames: FaultOrder(.droppedFrames)
        case .overflow: FaultOrder(.overflow)
        default: nil
        }
    }
}
