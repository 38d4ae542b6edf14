// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol

/// A client of the entropy plane.
package struct ClientStatus: Codable, Sendable, Equatable {
    /// Number of the process that connected; 0 when the daemon cannot see it.
    package var processId: Int
    package var userId: Int
    /// What the client says it is, such as "Python 3.11, libmetrng 0.1.0"; nil if it does not say.
    @Nullable package var name: String?
    /// The daemon does not look at other processes: this, `unit` and `command` are filled in by who asks,
    /// and are nil where that is not known.
    @Nullable package var user: String?
    @Nullable package var unit: String?
    @Nullable package var command: String?
    /// When it connected, in seconds since the Unix epoch.
    package var since: Double
    /// How long ago that was, in seconds, whatever was done to the clock meanwhile.
    package var age: Double
    package var deliveredBytes: Int
    package var deliveredBytesPerSecond: Double

    package init(
        processId: Int, userId: Int, name: String? = nil, since: Double, age: Double, deliveredBytes: Int,
        deliveredBytesPerSecond: Double
    ) {
        self.processId = processId
        self.userId = userId
        self.name = name
        user = nil
        unit = nil
        command = nil
        self.since = since
        self.age = age
        self.deliveredBytes = deliveredBytes
        self.deliveredBytesPerSecond = deliveredBytesPerSecond
    }
}
