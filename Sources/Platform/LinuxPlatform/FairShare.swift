// SPDX-License-Identifier: Apache-2.0

/// How many connections each user has, and who gives one up when there are as many as there may be, so that nobody can
/// keep others out.
package struct FairShare: Sendable {
    /// What makes room for a newcomer.
    package enum Concession: Sendable, Equatable {
        /// A connection of the user with the most.
        case connection(ofUser: UInt32)
        /// A connection that has nothing under way, of a user with at least so many. It is all that several users can
        /// claim of one another who have equally many: else many users with one each would keep everybody out.
        case idleConnection(ofUsersWith: Int)
        case none
    }

    /// The connections of each user that has any.
    private var counts: [UInt32: Int] = [:]

    package init() {}

    /// How many connections a user has.
    package func count(of user: UInt32) -> Int { counts[user, default: 0] }

    /// Counts a new connection of a user.
    package mutating func add(_ user: UInt32) { counts[user, default: 0] += 1 }

    /// Counts a connection of a user as closed.
    package mutating func remove(_ user: UInt32) {
        guard let count = counts[user] else {
            preconditionFailure("user \(user) has no connection")
        }
        counts[user] = count > 1 ? count - 1 : nil
    }

    /// What makes room for a newcomer: a connection of the user with the most, if the newcomer would still have fewer
    /// than that user; an idle one, if it would have as many.
    package func concession(to newcomer: UInt32) -> Concession {
        // Among users with equally many, always the one with the lowest number.
        guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else {
            return .none
        }
        let share = count(of: newcomer) + 1
        if share < most.value { return .connection(ofUser: most.key) }
        return share == most.value ? .idleConnection(ofUsersWith: share) : .none
    }
}
