// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform

/// Keeps frames of a board in a file of the client. What is recorded is served to nobody.
package struct Record: BoardOperation {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case shots, restarts
    }

    package struct Reply: Codable, Sendable, Equatable {
        /// The shots kept so far. Frames are kept whole, so that there may be more than requested.
        package var shotsDone: Int
        /// The shots requested. 0 until the pipeline has begun.
        package var shotsTotal: Int
        /// The size of the file; 0 before the end.
        package var bytes: Int

        package init(shotsDone: Int, shotsTotal: Int, bytes: Int) {
            self.shotsDone = shotsDone
            self.shotsTotal = shotsTotal
            self.bytes = bytes
        }
    }

    package static let method = "Record"
    package static let firstReply: Reply? = Reply(shotsDone: 0, shotsTotal: 0, bytes: 0)

    package static let restartLimits = 1...10_000
    /// More shots than any disk holds would overflow their count.
    package static let shotLimits = 1...1_000_000_000_000

    /// The number of shots, of each start of the board.
    package var shots: Int
    /// The number of starts of the board; 1 and nil take the stream as it runs.
    package var restarts: Int?
    /// A regular file of the client, open for writing.
    package var file: Descriptor?

    package init(shots: Int, restarts: Int? = nil, file: Descriptor? = nil) {
        self.shots = shots
        self.restarts = restarts
        self.file = file
    }

    package var starts: Int { restarts ?? 1 }

    /// The number of shots of all starts.
    package var totalShots: Int { shots * starts }

    package mutating func prepare(file: Descriptor?) throws(BoardOperationError) {
        guard let file else { throw .noFile }
        guard Self.shotLimits.contains(shots) else { throw .badParameter("shots") }
        guard Self.restartLimits.contains(starts) else { throw .badParameter("restarts") }
        self.file = file
    }
}
