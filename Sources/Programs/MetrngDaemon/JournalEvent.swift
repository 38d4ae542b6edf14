// SPDX-License-Identifier: Apache-2.0

import Logging

/// The kinds of events that an administrator may look for in the journal. Each has an id, by which `journalctl`
/// finds it and which systemd/metrngd.catalog explains. The meaning of an id never changes.
enum JournalEvent: String {
    case started
    case stopped
    /// The daemon ends at once, and says why.
    case cannotStart
    case configurationTaken
    case configurationRefused
    /// Bits can reach swap.
    case memoryNotLocked
    case boardOpened
    case boardServing
    /// Its lanes are not good enough: nothing is served.
    case boardUnhealthy
    /// The source that feeds it is silent.
    case boardWaiting
    /// It sends no frames: nothing is served.
    case boardFailed
    /// A recording has ended.
    case boardEnded
    /// Somebody has set, calibrated, recorded or disturbed a board.
    case boardChanged
    case laneFailed
    /// Shots or frames did not arrive as the board made them.
    case shotsLost
    /// A thread makes no progress, and the watchdog will restart the daemon.
    case threadStopped
    /// Feeding the kernel has begun, or is prevented.
    case kernelFeeding

    /// sd-id128(3), as 32 hexadecimal digits.
    var messageID: String {
        switch self {
        case .started: "a577d63b3c1840888da819d7718ec862"
        case .stopped: "37b0c71ff8b24e039c9ff56b27fd5db7"
        case .cannotStart: "a5e189cc443f45cc850ffa6e7911d153"
        case .configurationTaken: "e505a36ff7314249a6a0005fe5d1632a"
        case .configurationRefused: "607cde84686c4bee81a73b4e3181ec2f"
        case .memoryNotLocked: "24dce3da39344e8dad1b749ef7e79d10"
        case .boardOpened: "bde0adc767f94933831208126934ed2f"
        case .boardServing: "5a9e57c83b104df982d909314fb50737"
        case .boardUnhealthy: "10c656627e7046a0b907c64e3663a4aa"
        case .boardWaiting: "7c1f6ab02d9e4a6cb8f3d1e05a947e2b"
        case .boardFailed: "e5c788a657654769b941b7902a3c6116"
        case .boardEnded: "edf10211b1a448409969935efe61a229"
        case .boardChanged: "0a49bdd3591849bc8cfb3adfa832fad1"
        case .laneFailed: "d8122de37ba64960bfb0ce229ead3e9c"
        case .shotsLost: "e80ccf5b2e454529bf64f362c2b623fa"
        case .threadStopped: "53c44de0676a4847bd8df4d9683a8fa5"
        case .kernelFeeding: "efe81ebd17e44c84a0972dc6ffb6e278"
        }
    }
}

/// A field of an entry of the journal, beside its text.
enum JournalField {
    static let messageID = "MESSAGE_ID"
    /// The name of the event.
    static let event = "METRNG_EVENT"
    /// The name of the board.
    static let board = "METRNG_BOARD"
    /// The index of the lane.
    static let lane = "METRNG_LANE"
    /// The health test.
    static let test = "METRNG_TEST"
    /// The health epoch of the board.
    static let epoch = "METRNG_EPOCH"
}

extension Logger {
    /// Logs a line about an event, with what the journal files it under.
    ///
    /// - Parameter event: nil for what nobody is going to look for.
    func log(
        _ event: JournalEvent?, _ level: Level, _ message: Message, _ fields: Metadata = [:]
    ) {
        var fields = fields
        if let event {
            fields[JournalField.messageID] = "\(event.messageID)"
            fields[JournalField.event] = "\(event.rawValue)"
        }
        log(level: level, message, metadata: fields)
    }
}
