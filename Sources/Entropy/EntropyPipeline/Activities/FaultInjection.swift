// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import LaneHealth

/// Makes a simulated board fail, and ends its faults. Needs no open board, so that it is done in every state.
struct FaultInjection {
    let board: any Board
    let book: LaneBook

    func perform(_ task: BoardJob.Task) -> BoardJob.State {
        guard let faulty = board as? any FaultyBoard else { return .failed(.notSimulated) }
        if case .inject(let order) = task { return inject(order, into: faulty) }
        faulty.clearFaults()
        book.report(.faultsCleared)
        return .finished
    }

    private func inject(_ order: FaultOrder, into faulty: any FaultyBoard) -> BoardJob.State {
        let lanes = book.description?.lanes
        if let defect = lanes.map(order.defect(lanes:)) ?? "the board was never opened" {
            return .failed(.badFault(defect))
        }
        guard faulty.inject(order) else {
            return .failed(
                .badFault(
                    "\(FaultScript.orderLimit) faults hold or wait already; end them first"))
        }
        book.report(
            .faultInjected(order, judgedShots: book.judgedWindows * HealthCutoffs.windowShots))
        return .finished
    }
}
