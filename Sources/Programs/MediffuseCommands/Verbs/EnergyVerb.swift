// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BoardProtocol
import ControlInterface
import Diffusion
import EntropyTerms
import Glibc
import SystemCrypto

struct EnergyVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "energy",
        abstract: "Say what bits and images cost, and where each figure comes from.",
        discussion: """
            The device is that of a running metrngd, by its operating point, its median resistance and the accounting of \
            its configuration; without a daemon, a device of the model. Speeds are measured now, on one core. A virtual \
            machine has no meter of energy (RAPL), so that the power of a core is an assumption.
            """)

    @Option(parsing: .unconditional, help: ArgumentHelp("The power of a busy core.", valueName: "W"))
    var coreWatts = 5.0

    @Option(help: "A board, by name or serial. Not needed when there is only one.")
    var board: String?

    @Option(help: ArgumentHelp("A model: a name, or a file of weights (default: the usual one).", valueName: "name"))
    var model: String?

    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        guard coreWatts > 0, coreWatts <= 1_000 else {
            throw ValidationError("--core-watts takes a number above 0, up to 1,000")
        }
    }

    func perform(on bench: Workbench) throws(Failure) {
        let device = MeasuredDevice(daemon, board, bench.console) ?? .ofModel
        var speeds = MachineSpeeds(hashBytesPerSecond: hashingSpeed(), wattsPerCore: coreWatts)
        try measureImages(with: try bench.openDenoiser(model), &speeds)
        let table = EnergyTable(
            pulse: device.pulse, dotArea: device.dotArea, accounting: device.accounting, machine: speeds)
        let report = EnergyReport(source: device.source, table: table)
        let text = daemon.json ? try json(report) : report.text(columns: bench.console.width)
        try bench.console.show(daemon.json || bench.console.showsUnicode ? text : text.inASCII)
    }

    /// What the images of the usual sampler take. Its coins are of the operating system: they cost next to nothing, and
    /// the images are thrown away.
    private func measureImages(with denoiser: any Denoiser, _ speeds: inout MachineSpeeds) throws(Failure) {
        let count = 32
        let bits = RandomBits(SystemNoise())
        let code = ThermometerCode()
        let labels = (0..<count).map { denoiser.labelCount > 0 ? $0 % denoiser.labelCount : nil }
        let begin = processorSeconds()
        let schedule = try DiffusionError.failing { () throws(DiffusionError) in
            let schedule = try DiffusionSchedule(
                .cosine, steps: 50, code: code, curve: FlipCurve(flipProbability: 0.01))
            let sampler = EhrenfestSampler(denoiser: denoiser, schedule: schedule, guidance: 0.5, bits: bits)
            _ = try sampler.sample(labels: labels) { _, _ in true }
            return schedule
        }
        speeds.secondsPerImage = (processorSeconds() - begin) / Double(count)
        speeds.bitsPerImage = Double(bits.usedBits) / Double(count)
        speeds.pulsesPerImage = Double(schedule.steps.last?.pulses ?? 0) * Double(code.devices * denoiser.shape.pixels)
    }

    /// Bytes of a long message that SHA-256 takes in a second of processor time.
    private func hashingSpeed() -> Double {
        let message = [UInt8](repeating: 0xa5, count: 1 << 22)
        _ = LibrarySHA256.digest(of: message)
        let begin = processorSeconds()
        for _ in 0..<8 { _ = LibrarySHA256.digest(of: message) }
        return Double(8 * message.count) / max(processorSeconds() - begin, 1e-6)
    }
}

/// Processor time of this process, in s.
private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Numbers of the operating system, for what is measured and thrown away.
private final class SystemNoise: RandomSource {
    private var generator = SystemRandomNumberGenerator()

    func fill(_ words: inout [UInt64]) { for index in words.indices { words[index] = generator.next() } }

    func fillNormal(_ samples: inout [Float]) {
        for index in samples.indices { samples[index] = Float.random(in: -1.7...1.7, using: &generator) }
    }
}

/// The device that the table is about.
private struct MeasuredDevice {
    let pulse: DevicePulse
    /// In µm².
    let dotArea: Double
    let accounting: BitAccounting
    let source: String

    private static let diameter = 60e-9
    private static let oxide = 1.5e-9
    private static let area = Double.pi / 4 * 0.06 * 0.06
    private static let geometry = "a dot of 60 nm over 1.5 nm of MgO, as in the model"

    static let ofModel = MeasuredDevice(
        pulse: DevicePulse(
            amplitude: 1.23, width: 460e-12, capacitance: DevicePulse.capacitance(diameter: diameter, oxide: oxide),
            resistance: 130 / area),
        dotArea: area, accounting: BitAccounting(claimedEntropyPerBit: 0.8),
        source: "no daemon was asked: a device of the model, 1.23 V, 460 ps, 130 Ω·µm²; \(geometry)")

    private init(pulse: DevicePulse, dotArea: Double, accounting: BitAccounting, source: String) {
        self.pulse = pulse
        self.dotArea = dotArea
        self.accounting = accounting
        self.source = source
    }

    /// The devices of a daemon's board; nil when none answers, or it has no devices.
    init?(_ daemon: DaemonOptions, _ board: String?, _ console: Console) {
        guard let client = try? ControlClient(path: daemon.controlPath(console)),
            let status = try? client.status(of: board), let board = status.boards.first,
            let point = board.operatingPoint, let health = try? client.health(of: board.name)
        else { return nil }
        let resistances = health.lanes.compactMap(\.resistanceOhms).sorted()
        guard !resistances.isEmpty else { return nil }
        self.init(
            pulse: DevicePulse(
                amplitude: point.amplitudeMillivolts / 1e3, width: point.pulseWidthPicoseconds * 1e-12,
                capacitance: DevicePulse.capacitance(diameter: Self.diameter, oxide: Self.oxide),
                resistance: Double(resistances[resistances.count / 2])),
            dotArea: Self.area,
            accounting: BitAccounting(claimedEntropyPerBit: board.claimedEntropyPerBit, xorFold: board.xorFold),
            source: "\(board.name.printable), \(board.provenance.name): its operating point and median resistance;"
                + " \(Self.geometry), since no board tells its dots")
    }
}

/// The table, and what it is about.
struct EnergyReport: Encodable {
    let source: String
    let table: EnergyTable

    private enum CodingKeys: CodingKey { case conclusions, device, groups }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(table.conclusions, forKey: .conclusions)
        try container.encode(source, forKey: .device)
        try container.encode(table.groups, forKey: .groups)
    }

    func text(columns: Int) -> String {
        let groups = table.groups.map { group in
            "\n\(group.title)\n" + group.rows.map { Self.lines($0, columns: columns) }.joined()
        }
        return folded("Device: \(source)", indent: 0, columns: columns) + groups.joined() + "\n"
            + table.conclusions.map { folded($0, indent: 0, columns: columns) }.joined()
    }

    /// A row: figures and basis in one line, conditions and source below.
    private static func lines(_ row: EnergyTable.Row, columns: Int) -> String {
        let energy = row.energy.map { "\(joules($0)) \(row.unit.withArticle)" }
        let area = row.area.map { "\(areaText($0)) µm²" }
        let product = row.product.map { "\(joules($0))·µm²" }
        let figures = [energy, area, product].compactMap { $0 }.joined(separator: "; ")
        return folded("\(row.part): \(figures) [\(row.basis.rawValue)]", indent: 2, columns: columns)
            + folded("\(row.conditions). \(row.source)", indent: 6, columns: columns)
    }

    private static func areaText(_ area: Double) -> String { area < 1 ? rounded(area) : "\(Int(area))" }
}

/// A text in lines of at most so many columns.
private func folded(_ text: String, indent: Int, columns: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = margin
    for word in text.split(separator: " ") {
        if line.count > indent, line.count + 1 + word.count > columns {
            lines.append(line)
            line = margin + "  "
        }
        line += (line.allSatisfy { $0 == " " } ? "" : " ") + word
    }
    return (lines + [line]).joined(separator: "\n") + "\n"
}
