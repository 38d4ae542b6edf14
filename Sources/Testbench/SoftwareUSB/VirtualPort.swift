// SPDX-License-Identifier: Apache-2.0

import Glibc
package import LinuxPlatform

/// A device at a port of the virtual controller: a thread that answers what the kernel asks on the socket.
package final class VirtualPort: USBPort {
    private let detach: () -> Void
    private var worker: WorkerThread?

    /// - Parameter detach: makes the kernel close its end of the socket.
    package init(
        _ device: PluggedDevice, socket: Descriptor, detach: @escaping () -> Void
    ) throws(SystemError) {
        self.detach = detach
        let conversation = VirtualConversation(device, socket: socket)
        worker = try WorkerThread(name: "virtual-port") { conversation.run() }
    }

    deinit { unplug() }

    package func unplug() {
        guard let worker = worker.take() else { return }
        detach()
        worker.join()
    }
}

/// Answers the kernel until it closes the socket. For the thread of the port.
private final class VirtualConversation: @unchecked Sendable {
    private let device: PluggedDevice
    private let socket: Descriptor
    /// What has no answer yet, in the order of its coming.
    private var pending: [(transfer: USBIPTransfer, data: [UInt8])] = []
    private var buffer: [UInt8] = []

    /// The most transfers that may wait. The kernel has far fewer.
    private static let pendingLimit = 1024
    /// How often the device is asked again, in milliseconds.
    private static let retry: Int32 = 1

    init(_ device: PluggedDevice, socket: Descriptor) {
        self.device = device
        self.socket = socket
    }

    func run() {
        while let isReadable = waitForCommand() {
            if isReadable {
                guard takeCommand() else { return }
            }
            guard answerPending() else { return }
        }
    }

    /// - Returns: nil at the end.
    private func waitForCommand() -> Bool? {
        var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        let count = poll(&request, 1, pending.isEmpty ? -1 : Self.retry)
        if count < 0 { return errno == EINTR ? false : nil }
        return count > 0
    }

    /// - Returns: false at the end, also when the kernel says what makes no sense.
    private func takeCommand() -> Bool {
        guard let header = receive(USBIPCommand.byteCount) else { return false }
        let command = header.withUnsafeBytes { try? USBIPCommand(parsing: $0) }
        switch command {
        case .submit(let transfer):
            let carries = transfer.isFromDevice ? 0 : transfer.length
            guard pending.count < Self.pendingLimit, let data = receive(carries) else {
                return false
            }
            pending.append((transfer, data))
            return true
        case .unlink(let sequence, let victim):
            let index = pending.firstIndex { $0.transfer.sequence == victim }
            if let index { pending.remove(at: index) }
            return send(
                USBIPReply.unlinked(sequence: sequence, status: index == nil ? 0 : -ECONNRESET)
                    .bytes)
        case nil:
            return false
        }
    }

    /// - Returns: false when the kernel does not listen any more.
    private func answerPending() -> Bool {
        // An endpoint that has no answer for one transfer has none for the next.
        var waiting: Set<UInt8> = []
        var index = 0
        while index < pending.count {
            let (transfer, data) = pending[index]
            let outcome = waiting.contains(transfer.address) ? .notYet : ask(transfer, data)
            if outcome == .notYet {
                waiting.insert(transfer.address)
                index += 1
            } else {
                pending.remove(at: index)
                guard reply(to: transfer, outcome) else { return false }
            }
        }
        return true
    }

    /// Lets the device answer into `buffer`.
    private func ask(_ transfer: USBIPTransfer, _ data: [UInt8]) -> USBOutcome {
        if transfer.isFromDevice {
            buffer = [UInt8](repeating: 0, count: transfer.length)
        } else {
            buffer = data
        }
        return buffer.withUnsafeMutableBytes { bytes in
            if transfer.endpoint == 0 { return device.control(transfer.setup, data: bytes) }
            return transfer.isFromDevice
                ? device.read(endpoint: transfer.address, into: bytes)
                : device.write(endpoint: transfer.address, UnsafeRawBufferPointer(bytes))
        }
    }

    private func reply(to transfer: USBIPTransfer, _ outcome: USBOutcome) -> Bool {
        let (status, count): (Int32, Int) =
            switch outcome {
            // What goes to the device was moved as a whole.
            case .done(let count):
                (0, transfer.isFromDevice ? min(count, transfer.length) : transfer.length)
            case .failed(let failure): (-failure.rawValue, 0)
            case .notYet: preconditionFailure("is not answered")
            }
        let header = USBIPReply.submitted(
            sequence: transfer.sequence, status: status, length: count
        ).bytes
        return send(transfer.isFromDevice ? header + buffer.prefix(count) : header)
    }

    private func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                switch LinuxPlatform.transfer({
                    Glibc.send(socket.raw, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                }) {
                case .moved(let count): sent += count
                case .wouldBlock, .ended: return false
                }
            }
            return true
        }
    }

    /// - Returns: that many bytes; nil at the end.
    private func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let isWhole = bytes.withUnsafeMutableBytes { bytes in
            var got = 0
            while got < bytes.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[got...])
                switch LinuxPlatform.transfer({ recv(socket.raw, rest.baseAddress, rest.count, 0) })
                {
                case .moved(let more): got += more
                case .wouldBlock, .ended: return false
                }
            }
            return true
        }
        return isWhole ? bytes : nil
    }
}
