// SPDX-License-Identifier: Apache-2.0

/// A bit that may tell a lane's bit: `rotation` places lower in the word `back` words before the lane's own.
struct Predictor: Sendable, Equatable {
    let back: Int
    let rotation: UInt32
}

/// Which earlier shots and which other lanes are tried as predictors, in which window.
///
/// In the steady state a window tries one shot, 2 to 64 before, and one other lane, in turn. While lanes are in their
/// start-up test it tries so many that all are tried within the shortest of these tests: no lane is served before.
struct PredictorSchedule: Sendable {
    static let longestLag = 64

    /// The shots 2 ... 64 before.
    let lags: [Predictor]
    /// The other lanes: each pair of lanes is compared by at least one. Of two lanes in different words that tell each
    /// other, the one in the later word fails, and the other one's bits are still what it claims.
    let partners: [Predictor]
    private var nextLag = 0
    private var nextPartner = 0
    /// Within how many windows all are tried; nil while no lane is in its start-up test.
    var startUpWindows: Int?

    init(words: Int, stride: Int) {
        lags = (2...Self.longestLag).map { Predictor(back: $0 * stride, rotation: 0) }
        // A rotation by r and one by 64 − r compare the same pairs, and fail one lane of them each.
        let inWord = (1...63).map { Predictor(back: 0, rotation: $0) }
        // A lane of the first words, which have no word before them in their row, meets the end of the row before.
        let acrossWords = (1..<max(words, 1)).flatMap { back in
            (0..<64).map { Predictor(back: back, rotation: $0) }
        }
        partners = inWord + acrossWords
    }

    /// How many lags, and how many other lanes, are tried in a window.
    var perWindow: (lags: Int, partners: Int) {
        func share(_ count: Int) -> Int { startUpWindows.map { (count + $0 - 1) / $0 } ?? 1 }
        return (share(lags.count), share(partners.count))
    }

    /// The lag that is due.
    mutating func takeLag() -> Predictor {
        defer { nextLag = (nextLag + 1) % lags.count }
        return lags[nextLag]
    }

    /// The other lane that is due.
    mutating func takePartner() -> Predictor {
        defer { nextPartner = (nextPartner + 1) % partners.count }
        return partners[nextPartner]
    }
}
