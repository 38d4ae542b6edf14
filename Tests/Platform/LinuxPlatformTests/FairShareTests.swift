// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Testing

@Suite(
    "Room for a newcomer: which client gives up its connection when there are as many as there may be"
)
struct FairShareTests {
    @Test(
        "is made by the user with the most, unless the newcomer would have as many; then by an idle client",
        arguments: [
            (5, [7, 7, 7, 7], .connection(ofUser: 7)), (5, [7, 7, 7, 5], .connection(ofUser: 7)),
            (5, [7, 7, 5, 5], .none), (5, [7, 7, 5], .idleConnection(ofUsersWith: 2)),
            (5, [7, 7], .connection(ofUser: 7)),
            (5, [7], .idleConnection(ofUsersWith: 1)), (5, [7, 8, 9], .idleConnection(ofUsersWith: 1)), (5, [], .none),
            (7, [7, 7, 7, 7], .none), (7, [7, 7, 7, 5], .none),
            (0, [7, 7, 7, 8, 8, 0], .connection(ofUser: 7)), (9, [8, 8, 7, 7], .connection(ofUser: 7)),
        ] as [(UInt32, [UInt32], FairShare.Concession)])
    func room(newcomer: UInt32, connected: [UInt32], concession: FairShare.Concession) {
        var share = FairShare()
        for user in connected { share.add(user) }
        #expect(share.concession(to: newcomer) == concession)
    }

    @Test("counts those that were closed no more")
    func closed() {
        var share = FairShare()
        for user in [7, 7, 7, 8, 8] as [UInt32] { share.add(user) }
        share.remove(7)
        share.remove(7)
        #expect(share.concession(to: 5) == .connection(ofUser: 8))
        share.remove(7)
        share.remove(8)
        #expect(share.concession(to: 5) == .idleConnection(ofUsersWith: 1))
        share.remove(8)
        #expect(share.concession(to: 5) == .none)
    }

    @Test("ends in equal shares, whoever comes how often")
    func shares() {
        var share = FairShare()
        var connected = [UInt32](repeating: 1, count: 60)
        for user in connected { share.add(user) }
        for round in 0..<600 {
            let newcomer = UInt32(round % 3)
            guard case .connection(let user) = share.concession(to: newcomer),
                let place = connected.firstIndex(of: user)
            else { continue }
            connected[place] = newcomer
            share.remove(user)
            share.add(newcomer)
        }
        for user in 0..<3 as Range<UInt32> { #expect(connected.count { $0 == user } == 20) }
    }
}
