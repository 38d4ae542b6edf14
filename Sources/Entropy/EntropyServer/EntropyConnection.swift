// SPDX-License-Identifier: Apache-2.0

import EntropyRing
import LinuxPlatform

/// A session with its socket. Belongs to the server's thread.
final class EntropyConnection: LocalConnection {
    let socket: AcceptedSocket
    let client: ServerClient
    var session = EntropySession()
    /// Where the bits of the answer under way come from. One answer has one source.
    var source: EntropySource?
    /// Whether the request that is being answered asked not to wait.
    var isImpatient = false
    /// Which queue of the server the connection is in; never in two.
    var queue = Queue.none

    /// A queue of the server.
    enum Queue {
        /// In none: the poll tells when the connection can go on.
        case none
        case runnable
        case hungry
    }

    init(_ socket: AcceptedSocket) {
        self.socket = socket
        client = ServerClient(socket.peer)
    }

    /// Whether no request is under way.
    var isIdle: Bool { session.action == .receive }
}
