// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import ControlInterface
import DaemonConfiguration
import EntropyPipeline
import Glibc
import LinuxPlatform
import Varlink

/// The changes that clients of the control plane may make, and their way to the pipelines.
struct BoardOperator: ControlOperator {
    private let units: [BoardUnit]
    private let reloads: ReloadRequests
    /// The group whose members may change things; nil when the system has none of that name.
    private let adminGroup: UInt32?

    static let adminGroupName = "metrng-admin"

    /// The warning when nobody but root and the daemon's user may change anything; nil otherwise.
    static var lackOfAdministrators: String? {
        getgrnam(adminGroupName) == nil
            ? "there is no group \(adminGroupName): only root and the user of metrngd may make changes;"
                + " on an installed system, systemd-sysusers creates the group" : nil
    }

    init(units: [BoardUnit], reloads: ReloadRequests) {
        self.units = units
        self.reloads = reloads
        adminGroup = getgrnam(Self.adminGroupName).map { $0.pointee.gr_gid }
    }

    /// The list of operations, of which each is a method of the interface.
    var operations: [OperationMethod] {
        [
            method(SetOperatingPoint.self), method(Calibrate.self), recording,
            method(InjectFault.self), method(LeaseLanes.self),
        ]
    }

    func mayChange(_ peer: PeerCredentials) -> Bool {
        peer.userID == 0 || peer.userID == geteuid() || adminGroup.map(peer.isInGroup) ?? false
    }

    func reload() -> any ReloadProgress { reloads.add() }

    private func method<Operation: PipelineOperation>(_ type: Operation.Type) -> OperationMethod {
        OperationMethod(type) { (operation, board) throws(ControlError) in
            guard let job = try unit(board).pipeline.begin(operation) else {
                throw .busy(board: board)
            }
            return job
        }
    }

    private var recording: OperationMethod {
        OperationMethod(Record.self) { (recording, board) throws(ControlError) in
            let unit = try unit(board)
            let sink = RecordingSink(
                recording, claimedEntropyPerBit: unit.pipeline.settings.claimedEntropyPerBit,
                clock: unit.clock)
            guard let job = unit.pipeline.begin(recording, into: sink) else {
                throw .busy(board: board)
            }
            return job
        }
    }

    private func unit(_ name: String) throws(ControlError) -> BoardUnit {
        guard let unit = units.first(where: { $0.name == name }) else {
            throw .noSuchBoard(asked: name, boards: units.map(\.name))
        }
        return unit
    }
}
