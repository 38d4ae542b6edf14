// SPDX-License-Identifier: Apache-2.0

package import BoardInterface
package import LinuxPlatform

/// Makes a simulated board fail, or ends all faults.
package struct InjectFault: BoardOperation, Equatable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case fault, lanes, afterShots, forShots
    }

    package typealias Reply = EmptyReply

    package static let method = "InjectFault"

    /// The fault that ends all faults.
    package static let none = "none"

    /// The name of a fault, or `none`.
    package var fault: String
    package var lanes: [Int]?
    /// The number of shots after which it begins.
    package var afterShots: Int?
    /// The number of shots that it lasts; nil for no end.
    package var forShots: Int?

    package init(fault: String, lanes: [Int]? = nil, afterShots: Int? = nil, forShots: Int? = nil) {
        self.fault = fault
        self.lanes = lanes
        self.afterShots = afterShots
        self.forShots = forShots
    }

    /// The order for the board; nil to end all faults.
    package func order() throws(BoardOperationError) -> FaultOrder? {
        if fault == Self.none { return nil }
        guard let known = Fault(fault) else {
            throw .badFault(
                "there is no fault \(fault): \(Fault.names.joined(separator: ", "))")
        }
        return FaultOrder(
            known, lanes: lanes ?? [], afterShots: UInt64(afterShots ?? 0),
            forShots: forShots.map(UInt64.init))
    }

    package func prepare(file: Descriptor?) throws(BoardOperationError) {
        if fault == Self.none { return }
        guard lanes?.allSatisfy({ $0 >= 0 }) ?? true else { throw .badParameter("lanes") }
        guard afterShots ?? 0 >= 0 else { throw .badParameter("afterShots") }
        guard forShots ?? 1 > 0 else { throw .badParameter("forShots") }
        _ = try order()
    }
}
