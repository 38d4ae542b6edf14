// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import LinuxPlatform

/// A protocol of the entropy plane: what it does beyond passing bits on. For the server's thread.
protocol BitProtocol {
    associatedtype Session: ClientSession

    /// What its clients are called that cannot say it.
    var clientName: ClientName? { get }

    /// The requests that sessions make, as the service has them.
    func adapted(_ request: BitRequest) -> BitRequest

    /// Answers a question of a session.
    func answer(_ question: Session.Question, of session: inout Session, for client: DispenserClient)

    /// Says farewell to a newcomer for which there is no room.
    func refuse(_ newcomer: Descriptor)
}

/// What the services of one thread share.
struct SharedParts {
    let parts: EntropyServer.Parts
    let dispenser: Dispenser
    let runQueue: RunQueue
    let poll: EventPoll
}

/// A protocol on a local socket: a connection for each client, in the turns of the server's thread.
final class SessionService<Spoken: BitProtocol>: LocalService {
    let spoken: Spoken
    let parts: EntropyServer.Parts
    let dispenser: Dispenser
    let runQueue: RunQueue
    let clients: LocalServer<SessionConnection<Spoken>>
    /// What a connection receives, until its session has taken it.
    let inbox: UnsafeMutableRawBufferPointer

    /// - Parameter number: that of the service's `LocalServer` in the poll.
    init(
        _ spoken: Spoken, on listener: UnixListener, number: UInt8, control: LocalServerControl, _ shared: SharedParts
    ) throws(SystemError) {
        self.spoken = spoken
        parts = shared.parts
        dispenser = shared.dispenser
        runQueue = shared.runQueue
        listener.refuseDescriptors()
        clients = try LocalServer(
            listener, number: number, on: shared.poll, control: control, idleConnections: .stay,
            clock: parts.clock, calls: parts.calls)
        inbox = .allocate(byteCount: Spoken.Session.inboxLimit, alignment: 16)
    }

    deinit { inbox.deallocate() }

    // MARK: LocalService

    func makeConnection(_ socket: AcceptedSocket) -> SessionConnection<Spoken> {
        let client = dispenser.openAccount(for: socket.peer)
        client.account.setName(spoken.clientName)
        return SessionConnection(socket, client, of: self)
    }

    func close(_ connection: SessionConnection<Spoken>) {
        connection.closed()
        dispenser.close(connection.client)
        clients.remove(connection)
    }

    func refuse(_ newcomer: Descriptor) { spoken.refuse(newcomer) }
}

extension SessionService: ClientService {
    var deadline: UInt64? { clients.deadline }

    func handle(_ event: EventPoll.Event) { clients.connection(of: event)?.ready(event) }

    func endTurn() { clients.acceptWaiting(for: self) }

    func shutDown() { for connection in clients.connections { connection.shutDown() } }
}
