// SPDX-License-Identifier: Apache-2.0

package import BoardOperations
package import LinuxPlatform
package import Varlink

/// The side of the daemon that makes the changes that clients ask for.
///
/// Every call comes from the control plane's thread and must not wait.
package protocol ControlOperator: Sendable {
    /// Whether this client may change things.
    func mayChange(_ peer: PeerCredentials) -> Bool

    /// The operations that boards have.
    var operations: [OperationMethod] { get }

    /// Begins to read the configuration again.
    func reload() -> any ReloadProgress
}

/// A reload that is under way.
package protocol ReloadProgress: AnyObject, Sendable {
    /// Raised when the reload is over.
    var changed: ChangeSignal { get }

    /// The outcome; nil while the reload is under way. Throws the errors of the interface when it was refused.
    func poll() throws(VarlinkError) -> ReloadReport?
}

/// A method that begins an operation of a board.
package struct OperationMethod: Sendable {
    /// Without the interface in front.
    let name: String
    /// Answers a call of a client that may change things.
    ///
    /// The closure gives the name of the board that the client means.
    let answer:
        @Sendable (
            VarlinkCall, _ name: (String?) throws(VarlinkError) -> String
        ) throws(VarlinkError) -> VarlinkAnswer

    /// - Parameter begin: begins the operation on the board of that name. It is cancelled when the client has its last
    ///   reply, or has gone.
    package init<Operation: BoardOperation>(
        _ type: Operation.Type,
        begin:
            @escaping @Sendable (
                Operation, _ board: String
            ) throws(ControlError) -> BoardJob<Operation>
    ) {
        self.init(type) { (operation, board) throws(ControlError) in
            let owner = JobOwner(try begin(operation, board), board: board)
            return OperationProgress(changed: owner.job.changed) { () throws(VarlinkError) in
                try owner.step()
            }
        }
    }

    /// - Parameter begin: begins the operation on the board of that name.
    package init<Operation: BoardOperation>(
        _ type: Operation.Type,
        progress begin:
            @escaping @Sendable (
                Operation, _ board: String
            ) throws(ControlError) -> OperationProgress
    ) {
        name = Operation.method
        answer = { (call, name) throws(VarlinkError) in
            var asked = try call.decodeParameters(
                as: OperationCall<Operation>.self, names: OperationCall<Operation>.names)
            asked.operation.take(call.peer)
            do throws(BoardOperationError) {
                try asked.operation.prepare(file: call.descriptor)
            } catch {
                throw VarlinkError(error, board: asked.board ?? "")
            }
            let board = try name(asked.board)
            do throws(ControlError) {
                let progress = try begin(asked.operation, board)
                return .replies(.progress(of: progress.changed), next: progress.next)
            } catch {
                throw .control(error)
            }
        }
    }
}

/// An operation under way, as a stream of replies.
package struct OperationProgress: Sendable {
    let changed: ChangeSignal
    let next: @Sendable () throws(VarlinkError) -> VarlinkReplyStep

    /// - Parameters:
    ///   - changed: raised whenever there is something new to tell.
    ///   - next: gives what there is to tell. Released when the client has its last reply, or has gone.
    package init(
        changed: ChangeSignal, next: @escaping @Sendable () throws(VarlinkError) -> VarlinkReplyStep
    ) {
        self.changed = changed
        self.next = next
    }
}

/// Cancels an operation when nobody asks for its progress any more.
private final class JobOwner<Operation: BoardOperation>: Sendable {
    let job: BoardJob<Operation>
    private let board: String

    init(_ job: BoardJob<Operation>, board: String) {
        self.job = job
        self.board = board
    }

    deinit { job.cancel() }

    /// What there is to tell the client now.
    func step() throws(VarlinkError) -> VarlinkReplyStep {
        switch job.state {
        case .running(nil): .none
        case .running(let progress?): .item(progress)
        case .finished(let result): .last(result, socket: Operation.socket(of: result))
        case .failed(let error): throw VarlinkError(error, board: board)
        }
    }
}

extension VarlinkPace {
    /// When a client is told how far an operation is: as often as a person can follow, and often enough that the
    /// client neither gives up on the daemon nor takes long to notice an interrupt of its user.
    static func progress(of changed: ChangeSignal) -> VarlinkPace {
        .onChange(changed, shortest: 100, longest: 1_000)
    }
}
