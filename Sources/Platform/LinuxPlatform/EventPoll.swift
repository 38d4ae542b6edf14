// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Waits for many descriptors at once (epoll). One thread waits; registering is for that thread too.
package final class EventPoll {
    /// What a descriptor is watched for.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let readable = Interest(rawValue: 1)
        package static let writable = Interest(rawValue: 2)
    }

    /// What one descriptor is ready for.
    package struct Event {
        package let token: UInt64
        /// There is data, an end of file, or a connection to accept.
        package let isReadable: Bool
        package let isWritable: Bool
        /// The peer is gone in both directions.
        package let isHungUp: Bool
    }

    private static let capacity = 256
    private let descriptor: Descriptor
    private let reports: UnsafeMutablePointer<clinux_event>
    private let events: UnsafeMutablePointer<Event>

    package init() throws(SystemError) {
        descriptor = Descriptor(owning: try system("create a poll") { clinux_poll_create() })
        reports = .allocate(capacity: Self.capacity)
        events = .allocate(capacity: Self.capacity)
    }

    deinit {
        reports.deallocate()
        events.deallocate()
    }

    /// Watches `target`; its reports carry `token`.
    package func add(
        _ target: Descriptor, _ interest: Interest, token: UInt64
    ) throws(SystemError) {
        try system("watch a descriptor") {
            clinux_poll_add(
                descriptor.raw, target.raw, interest.contains(.readable),
                interest.contains(.writable), token)
        }
    }

    package func change(_ target: Descriptor, _ interest: Interest, token: UInt64) {
        let result = clinux_poll_change(
            descriptor.raw, target.raw, interest.contains(.readable), interest.contains(.writable),
            token)
        precondition(result == 0, "the descriptor is registered")
    }

    package func remove(_ target: Descriptor) {
        _ = clinux_poll_remove(descriptor.raw, target.raw)
    }

    /// Whether a wait would end at once.
    package var hasEvents: Bool {
        var request = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0
    }

    /// The reports of one wait, valid until the next one. Empty on a time-out.
    ///
    /// - Parameter milliseconds: how long to wait at most; nil for as long as it takes.
    package func wait(milliseconds: Int32? = nil) -> UnsafeBufferPointer<Event> {
        let count = clinux_poll_wait(
            descriptor.raw, reports, Int32(Self.capacity), milliseconds ?? -1)
        precondition(count >= 0, "epoll_wait fails on programming errors only")
        for (index, report) in UnsafeBufferPointer(start: reports, count: Int(count)).enumerated() {
            (events + index).initialize(
                to: Event(
                    token: report.token, isReadable: report.readable, isWritable: report.writable,
                    isHungUp: report.hung_up))
        }
        return UnsafeBufferPointer(start: events, count: Int(count))
    }
}
