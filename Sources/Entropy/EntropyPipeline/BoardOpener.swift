// SPDX-License-Identifier: Apache-2.0

import BoardInterface
import BoardProtocol
import Conditioning
import EntropyRing
import LaneHealth
import LinuxPlatform
import OperatingPointControl

/// Opens a board and starts its stream, with all memory that its bits need.
struct BoardOpener {
    /// Why a board could not be opened.
    enum Failure: Error {
        case board(BoardError)
        /// There is no memory that can be kept from swap.
        case memory(SystemError)
    }

    let board: any Board
    let source: EntropySource
    let settings: PipelineSettings
    let book: LaneBook
    let counters: PipelineCounters
    let clock: Clock

    /// - Returns: a stream that runs, and what turns its windows into bytes.
    func open() throws(Failure) -> (BoardStream, WindowDisposal) {
        let description = try onBoard { () throws(BoardError) in try board.open() }
        do throws(Failure) {
            return try start(description)
        } catch {
            board.close()
            throw error
        }
    }

    private func start(
        _ opened: BoardDescription
    ) throws(Failure) -> (BoardStream, WindowDisposal) {
        let description = try onBoard { () throws(BoardError) in
            let description = try restoringPoint(of: opened)
            try check(description)
            return description
        }
        let memory: PipelineMemory
        do throws(SystemError) {
            memory = try PipelineMemory(
                board: description,
                cutoffs: HealthCutoffs(claimedEntropyPerBit: settings.claimedEntropyPerBit),
                fold: settings.fold, channels: source.channels.count,
                locked: settings.locksMemory)
        } catch {
            throw .memory(error)
        }
        book.enter(description)
        try onBoard { () throws(BoardError) in try board.start() }
        return (
            BoardStream(
                board, description, memory: memory, settings: settings, book: book,
                counters: counters, clock: clock),
            WindowDisposal(
                source: source, settings: settings, words: description.wordsPerShot,
                memory: memory)
        )
    }

    private func onBoard<Result>(
        _ body: () throws(BoardError) -> Result
    ) throws(Failure) -> Result {
        do throws(BoardError) { return try body() } catch { throw .board(error) }
    }

    /// Restores the operating point of a board that failed while an activity drove it elsewhere.
    private func restoringPoint(
        of opened: BoardDescription
    ) throws(BoardError) -> BoardDescription {
        guard let point = book.pointToRestore(of: opened), let tunable = board as? any TunableBoard,
            opened.operatingPoint != point
        else { return opened }
        try tunable.setOperatingPoint(point)
        var restored = opened
        restored.operatingPoint = point
        return restored
    }

    private func check(_ description: BoardDescription) throws(BoardError) {
        let smallest = 2 * HealthCutoffs.windowShots * description.lanes / 8
        guard settings.fold.fits(lanes: description.lanes) else {
            throw .unsupported(
                "\(description.lanes) lanes cannot be folded by \(settings.fold.parts);"
                    + " set xorFold of the board to 1")
        }
        guard source.channels.allSatisfy({ $0.ring.capacity >= smallest }) else {
            throw .unsupported(
                "\(description.lanes) lanes need rings of \(smallest) bytes or more;"
                    + " raise rings.rawBytes and rings.fullBytes")
        }
    }
}
