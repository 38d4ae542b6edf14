// SPDX-License-Identifier: Apache-2.0

import EntropyTerms

/// A figure for a monitoring system, in the text format of Prometheus.
///
/// Lanes have no series of their own: a board of 4,096 lanes would make as many. `mectl health` shows them.
package struct Metric: Sendable {
    package enum Kind: String, Sendable {
        case gauge
        /// A count since the daemon started, which begins at 0 again with it.
        case counter
    }

    /// With its unit; that of a counter ends with `_total`.
    package let name: String
    package let kind: Kind
    package let help: String
    /// The names of its labels.
    package let labels: [String]
    /// The samples of a status: the values of the labels, in the order of their names, and the value.
    let samples: @Sendable (StatusReport) -> [Sample]

    struct Sample {
        let labels: [String]
        let value: Double

        init(_ labels: [String] = [], _ value: Double) {
            self.labels = labels
            self.value = value
        }

        init(_ labels: [String] = [], _ value: Int) { self.init(labels, Double(value)) }
    }
}

/// All metrics of a status, each with its help and type.
package func metricsText(_ status: StatusReport) -> String {
    Metric.all.map { metric in
        let lines = metric.samples(status).map { sample in
            let pairs = zip(metric.labels, sample.labels).map { "\($0)=\"\(escaped($1))\"" }
            let labels = pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
            return "\(metric.name)\(labels) \(number(sample.value))\n"
        }
        return head(metric) + lines.joined()
    }.joined()
}

/// The text when the daemon does not answer.
package let metricsOfNoDaemon = head(Metric.up) + "\(Metric.up.name) 0\n"

private func head(_ metric: Metric) -> String {
    "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
}

/// Escapes the characters that the value of a label may not hold as they are.
private func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
}

private func number(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? (value.isFinite ? "\(value)" : "NaN")
}

// MARK: What there is

extension Metric {
    static let up = service("metrng_up", .gauge, "1 if metrngd answers.") { _ in 1 }

    /// In the order in which they are printed.
    package static let all: [Metric] = ofService + ofBoards + ofLanes + ofRings

    private static let ofService: [Metric] = [
        up,
        Metric(
            name: "metrng_build_info", kind: .gauge, help: "The version of metrngd; always 1.",
            labels: ["version"]
        ) { [Sample([$0.service.version], 1)] },
        service("metrng_start_time_seconds", .gauge, "Start time of metrngd, since 1970.") {
            $0.startTime
        },
        service("metrng_clients", .gauge, "Clients of the entropy socket.") {
            Double($0.clients)
        },
        service("metrng_clients_limit", .gauge, "Limit of clients.") {
            Double($0.maximumClients)
        },
        service("metrng_clients_refused_total", .counter, "Connections refused at the limit.") {
            Double($0.clientsRefused)
        },
        service("metrng_memory_locked", .gauge, "1 if locked memory keeps bits from swap.") {
            $0.lockedMemory ? 1 : 0
        },
        Metric(
            name: "metrng_kernel_fed_bytes_total", kind: .counter,
            help: "Bytes fed to the kernel's generator, if it is fed.", labels: []
        ) { status in (status.service.kernel?.bytes).map { [Sample([], $0)] } ?? [] },
    ]

    private static let ofBoards: [Metric] = [
        Metric(
            name: "metrng_board_info", kind: .gauge,
            help: "A board; always 1. Bits of provenance simulated are not random.",
            labels: ["board", "provenance", "kind", "serial", "firmware"]
        ) { status in
            status.boards.map {
                Sample([$0.name, $0.provenance.name, $0.kind, $0.serial, $0.firmware], 1)
            }
        },
        Metric(
            name: "metrng_board_state", kind: .gauge,
            help: "1 for the current state, 0 for the others.",
            labels: ["board", "provenance", "state"]
        ) { status in
            status.boards.flatMap { board in
                BoardState.allCases.map {
                    Sample(
                        [board.name, board.provenance.name, $0.rawValue],
                        $0 == board.state ? 1 : 0)
                }
            }
        },
        board(
            "metrng_board_state_start_time_seconds", .gauge,
            "Time at which the board entered its state, since 1970."
        ) { $0.stateSince },
        board("metrng_board_shots_total", .counter, "Shots received.") { Double($0.shots) },
        board("metrng_board_shots_dropped_total", .counter, "Shots lost on the way.") {
            Double($0.shotsDropped)
        },
        board(
            "metrng_board_windows_dropped_total", .counter,
            "Windows of good bits that found no room in the rings during an operation."
        ) { Double($0.windowsDropped) },
        board("metrng_board_frames_total", .counter, "Frames accepted.") {
            Double($0.framesAccepted)
        },
        board(
            "metrng_board_frames_rejected_total", .counter, "Frames rejected as damaged or wrong."
        ) { Double($0.framesRejected) },
        board(
            "metrng_board_credited_bytes_total", .counter, "Entropy credited."
        ) { Double($0.creditedBits) / 8 },
        board("metrng_board_newest_bit_age_seconds", .gauge, "Age of the newest bit.") {
            $0.newestBitAge
        },
        board("metrng_board_temperature_celsius", .gauge, "Temperature that the board reports.") {
            $0.temperatureCelsius
        },
        board(
            "metrng_board_health_epoch", .gauge, "Rises whenever the set of admitted lanes changes."
        ) { Double($0.healthEpoch) },
    ]

    private static let ofLanes: [Metric] = [
        Metric(
            name: "metrng_board_lanes", kind: .gauge, help: "Lanes by state.",
            labels: ["board", "provenance", "state"]
        ) { status in
            status.boards.flatMap { board in
                let counts = board.laneCounts
                return [
                    ("starting", counts.starting), ("good", counts.good),
                    ("warned", counts.warned), ("failed", counts.failed), ("leased", counts.leased),
                ].map { Sample([board.name, board.provenance.name, $0.0], $0.1) }
            }
        },
        Metric(
            name: "metrng_board_lane_alarms_total", kind: .counter,
            help: "Windows in which a health test decided about a lane, over all lanes.",
            labels: ["board", "provenance", "test"]
        ) { status in
            status.boards.flatMap { board in
                board.alarms.map { Sample([board.name, board.provenance.name, $0.test], $0.count) }
            }
        },
        board(
            "metrng_board_claimed_entropy_per_bit", .gauge, "Min-entropy credited to each bit, in bits."
        ) { $0.claimedEntropyPerBit },
        board(
            "metrng_board_lowest_lane_entropy_per_bit", .gauge,
            "Least min-entropy per bit measured in a lane that gives bits, in bits."
        ) { $0.lowestLaneEntropyPerBit },
        board("metrng_board_lanes_needed", .gauge, "Lanes needed to serve bits.") {
            Double($0.minimumGoodLanes)
        },
    ]

    private static let ofRings: [Metric] = [
        ring("metrng_ring_capacity_bytes", .gauge, "Capacity of the ring.") { $0.capacityBytes },
        ring("metrng_ring_available_bytes", .gauge, "Bytes ready in the ring.") {
            $0.availableBytes
        },
        ring("metrng_ring_delivered_bytes_total", .counter, "Bytes delivered to clients.") {
            $0.deliveredBytes
        },
    ]

    private static func service(
        _ name: String, _ kind: Kind, _ help: String,
        _ value: @escaping @Sendable (ServiceStatus) -> Double
    ) -> Metric {
        Metric(name: name, kind: kind, help: help, labels: []) { [Sample([], value($0.service))] }
    }

    /// - Parameter value: nil while it is not known; then the board has no sample.
    private static func board(
        _ name: String, _ kind: Kind, _ help: String,
        _ value: @escaping @Sendable (BoardStatus) -> Double?
    ) -> Metric {
        Metric(name: name, kind: kind, help: help, labels: ["board", "provenance"]) { status in
            status.boards.compactMap { board in
                value(board).map { Sample([board.name, board.provenance.name], $0) }
            }
        }
    }

    private static func ring(
        _ name: String, _ kind: Kind, _ help: String,
        _ value: @escaping @Sendable (RingStatus) -> Int
    ) -> Metric {
        Metric(name: name, kind: kind, help: help, labels: ["board", "provenance", "grade"]) {
            status in
            status.boards.flatMap { board in
                board.rings.map {
                    Sample([board.name, board.provenance.name, $0.grade], value($0))
                }
            }
        }
    }
}
