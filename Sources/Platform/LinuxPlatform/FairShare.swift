// SPDX-License-Identifier: Apache-2.0

/// How many connections each user has, and which user gives one up when there are as many as there may be, so that
/// nobody can keep others out.
package struct FairShare: Sendable {
    /// The connections of each user that has any.
    private var counts: [UInt32: Int] = [:]

    package init() {}

    /// Counts a new connection of a user.
    package mutating func add(_ user: UInt32) { counts[user, default: 0] += 1 }

    /// Counts a connection of a user as closed.
    package mutating func remove(_ user: UInt32) {
        guard let count = counts[user] else {
            preconditionFailure("user \(user) has no connection")
        }
        counts[user] = count > 1 ? count - 1 : nil
    }

    /// The user that has to give up a connection for one of `newcomer`: the user with the most connections, if the
    /// newcomer would still have fewer than that user. Nil when no user has to, and there is no room.
    package func userToMakeRoom(for newcomer: UInt32) -> UInt32? {
        // Among users with equally many, always the one with the lowest number.
        guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else {
            return nil
        }
        return counts[newcomer, default: 0] + 1 < most.value ? most.key : nil
    }
}
