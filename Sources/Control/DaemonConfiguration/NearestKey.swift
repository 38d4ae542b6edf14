// SPDX-License-Identifier: Apache-2.0

/// The known key that was most likely meant by `key`, if one is near enough to be named: at most a
/// third of its letters differ, not counting case.
func nearestKey(to key: String, among known: [String]) -> String? {
    let written = Array(key.lowercased().utf8)
    let distances = known.map {
        (name: $0, distance: distance(written, Array($0.lowercased().utf8)))
    }
    guard let nearest = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    return nearest.distance <= max(1, nearest.name.utf8.count / 3) ? nearest.name : nil
}

/// How many letters have to be put in, taken out, changed, or swapped with their neighbour to get
/// from one word to the other.
private func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in left.indices {
        var row = [i + 1]
        for j in right.indices {
            let change = last[j] + (left[i] == right[j] ? 0 : 1)
            var best = min(change, last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                best = min(best, beforeLast[j - 1] + 1)
            }
            row.append(best)
        }
        (beforeLast, last) = (last, row)
    }
    return last[right.count]
}
