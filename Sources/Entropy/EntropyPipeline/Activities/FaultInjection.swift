// SPDX-License-Identifier: Apache-2.0

import BoardInterface
package import BoardOperations
import BoardProtocol
import LaneHealth

/// Makes a simulated board fail, and ends its faults. Needs no open board, so that it is done in every state.
extension InjectFault: PipelineOperation {
    package static func work(for job: BoardJob<InjectFault>) -> PipelineWork {
        .action(for: job) { (board, book) throws(BoardOperationError) in
            guard let faulty = board as? any FaultyBoard else { throw .notSimulated }
            if let order = try job.operation.order() {
                try inject(order, into: faulty, book)
            } else {
                faulty.clearFaults()
                book.report(.faultsCleared)
            }
            return EmptyReply()
        }
    }

    private static func inject(
        _ order: FaultOrder, into faulty: any FaultyBoard, _ book: LaneBook
    ) throws(BoardOperationError) {
        guard let lanes = book.description?.lanes else {
            throw .badFault("the board was never opened")
        }
        if let defect = order.defect(lanes: lanes) { throw .badFault(defect) }
        guard faulty.inject(order) else {
            throw .badFault("\(FaultScript.orderLimit) faults are already active or pending; end them first")
        }
        book.report(
            .faultInjected(order, judgedShots: book.judgedWindows * HealthCutoffs.windowShots))
    }
}
