// SPDX-License-Identifier: Apache-2.0

/// A filter for repeated log messages: each is written once, and its repetitions are summed up once a period, together
/// with those of all messages of its group. A marginal lane fails again and again, and a marginal array has thousands of
/// such lanes; their messages would fill a disk and hide everything else.
///
/// Beside the lines of its budget it writes at most one sum of each group in a period, however many messages there are.
/// For one thread; times are monotonic nanoseconds.
package struct RepeatedMessages<Group: Hashable, Subject: Hashable> {
    /// The repetitions of a group in a period.
    package struct Sum {
        package let group: Group
        /// The subjects of the messages that were not written.
        package private(set) var subjects: Set<Subject>
        /// Int.max when the sum is larger.
        package private(set) var amount: Int

        fileprivate mutating func add(_ subject: Subject, _ amount: Int) {
            subjects.insert(subject)
            let (sum, overflow) = self.amount.addingReportingOverflow(amount)
            self.amount = overflow ? .max : sum
        }
    }

    private struct Message: Hashable {
        let group: Group
        let subject: Subject
    }

    /// Nanoseconds from the first message that is not written to the sum of its group.
    private let period: UInt64
    private var budget: LineBudget
    /// When each message of the last period came last.
    private var lastSeen: [Message: UInt64] = [:]
    private var untold: [Group: (sum: Sum, due: UInt64)] = [:]

    package init(period: UInt64, budget: LineBudget) {
        self.period = period
        self.budget = budget
    }

    /// The time at which there is something to sum up; nil when nothing is.
    package var due: UInt64? { untold.values.map(\.due).min() }

    /// Records a message.
    ///
    /// - Parameter amount: the amount to sum up.
    /// - Returns: whether to write it now.
    package mutating func admits(
        _ group: Group, _ subject: Subject, amount: Int = 1, now: UInt64
    ) -> Bool {
        let message = Message(group: group, subject: subject)
        let isRepeated = lastSeen[message].map { now < $0 + period } ?? false
        lastSeen[message] = now
        let isUntold = untold[group]?.sum.subjects.contains(subject) ?? false
        if !isRepeated, !isUntold, budget.take(now: now) { return true }
        let none = (sum: Sum(group: group, subjects: [], amount: 0), due: now + period)
        untold[group, default: none].sum.add(subject, amount)
        return false
    }

    /// The sums to write now.
    package mutating func sums(now: UInt64) -> [Sum] {
        guard let due, now >= due else { return [] }
        lastSeen = lastSeen.filter { now < $1 + period }
        let sums = untold.values.filter { now >= $0.due }.map(\.sum)
        for sum in sums { untold[sum.group] = nil }
        return sums
    }
}
