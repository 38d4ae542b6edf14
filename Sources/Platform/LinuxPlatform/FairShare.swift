// SPDX-License-Identifier: Apache-2.0

/// Who has to give up a connection of theirs when there are as many as there may be, so that nobody can keep
/// others out: the user with the most, if the newcomer would still have fewer than that user.
///
/// - Parameter connected: the user of each connection.
/// - Returns: nil when nobody has to, and the newcomer is one too many.
package func userToMakeRoom(
    for newcomer: UInt32, among connected: some Sequence<UInt32>
) -> UInt32? {
    let counts = connected.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    // Of several with as many, always the same.
    guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else { return nil }
    return counts[newcomer, default: 0] + 1 < most.value ? most.key : nil
}
