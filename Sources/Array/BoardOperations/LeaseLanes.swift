// SPDX-License-Identifier: Apache-2.0

package import BoardProtocol
package import LinuxPlatform

/// Takes lanes out of the stream of a board, for one client that writes, pulses and reads them over a socket of their own.
package struct LeaseLanes: BoardOperation {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case lanes, count, seconds, operatingPoint
    }

    package struct Reply: Codable, Sendable, Equatable {
        /// A closed range of a quantity.
        package struct Limits<Value: Codable & Sendable & Comparable>: Codable, Sendable, Equatable {
            package var lower: Value
            package var upper: Value

            package init(lower: Value, upper: Value) {
                self.lower = lower
                self.upper = upper
            }

            init(_ range: ClosedRange<Value>) { self.init(lower: range.lowerBound, upper: range.upperBound) }
        }

        private enum CodingKeys: String, CodingKey {
            case board, provenance, healthEpoch, lanes, streamContinues, operatingPoint, amplitudeLimits, widthLimits
            case fieldLimits, trimLimits, shotsPerSecond, seconds
        }

        /// The name of the board.
        package var board: String
        /// `hardware` or `simulated`.
        package var provenance: String
        package var healthEpoch: Int
        /// In the order in which states name them.
        package var lanes: [Int]
        /// Whether the other lanes go on giving bits.
        package var streamContinues: Bool
        /// The point at which the lease begins.
        package var operatingPoint: OperatingPoint
        /// In mV.
        package var amplitudeLimits: Limits<Double>
        /// In ps.
        package var widthLimits: Limits<Double>
        /// In µT.
        package var fieldLimits: Limits<Double>
        /// In steps of the board.
        package var trimLimits: Limits<Int>
        /// Nil when the board does not say it.
        package var shotsPerSecond: Double?
        /// How long the lease lasts unless it is renewed.
        package var seconds: Int
        /// The client's end of the socket, which goes with the reply.
        package var socket: PassedSocket?

        package init(
            board: String, provenance: String, healthEpoch: Int, lanes: [Int], streamContinues: Bool,
            operatingPoint: OperatingPoint, tuning: Tuning, shotsPerSecond: Double?, seconds: Int, socket: Descriptor
        ) {
            self.board = board
            self.provenance = provenance
            self.healthEpoch = healthEpoch
            self.lanes = lanes
            self.streamContinues = streamContinues
            self.operatingPoint = operatingPoint
            amplitudeLimits = Limits(tuning.amplitudeMillivolts)
            widthLimits = Limits(tuning.pulseWidthPicoseconds)
            fieldLimits = Limits(tuning.biasFieldMicrotesla)
            trimLimits = Limits(lower: Int(tuning.trim.lowerBound), upper: Int(tuning.trim.upperBound))
            self.shotsPerSecond = shotsPerSecond
            self.seconds = seconds
            self.socket = PassedSocket(socket)
        }
    }

    /// A descriptor that goes with a reply; equal to itself only.
    package struct PassedSocket: Sendable, Equatable {
        package let descriptor: Descriptor

        package init(_ descriptor: Descriptor) { self.descriptor = descriptor }

        package static func == (left: PassedSocket, right: PassedSocket) -> Bool {
            left.descriptor === right.descriptor
        }
    }

    package static let method = "Lease"

    package static let secondLimits = 1...3_600

    /// The lanes to take; nil to take any that are good.
    package var lanes: [Int]?
    /// How many lanes to take; nil for all that are good, and where lanes are named.
    package var count: Int?
    /// How long the lease lasts unless it is renewed.
    package var seconds: Int
    /// The point at which the lease begins; nil for the weak point of the board, or its present one.
    package var operatingPoint: OperatingPoint?
    /// Who asks.
    package var holder: PeerCredentials?

    package init(lanes: [Int]? = nil, count: Int? = nil, seconds: Int, operatingPoint: OperatingPoint? = nil) {
        self.lanes = lanes
        self.count = count
        self.seconds = seconds
        self.operatingPoint = operatingPoint
    }

    package static func socket(of reply: Reply) -> Descriptor? { reply.socket?.descriptor }

    package static func attach(_ socket: Descriptor, to reply: inout Reply) { reply.socket = PassedSocket(socket) }

    package mutating func prepare(file: Descriptor?) throws(BoardOperationError) {
        guard Self.secondLimits.contains(seconds) else { throw .badParameter("seconds") }
        guard lanes == nil || count == nil else { throw .badParameter("count") }
        if let lanes {
            guard !lanes.isEmpty, Set(lanes).count == lanes.count,
                lanes.allSatisfy((0..<BoardDescription.laneLimits.upperBound).contains)
            else { throw .badParameter("lanes") }
        }
        guard (count ?? 1) >= 1 else { throw .badParameter("count") }
    }

    package mutating func take(_ caller: PeerCredentials) { holder = caller }
}
