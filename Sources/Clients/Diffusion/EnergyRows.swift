// SPDX-License-Identifier: Apache-2.0

extension EnergyTable {
    /// The table of a pulse, an accounting and a machine.
    ///
    /// - Parameter dotArea: of a device, in µm².
    public init(pulse: DevicePulse, dotArea: Double, accounting: BitAccounting, machine: MachineSpeeds) {
        groups = [
            Self.devices(pulse, dotArea, accounting), Self.generators, Self.system(accounting, machine),
            Self.images(pulse, accounting, machine),
        ]
        conclusions = Self.conclusions(pulse, accounting, machine)
    }

    private static func devices(_ pulse: DevicePulse, _ dotArea: Double, _ accounting: BitAccounting) -> Group {
        let conditions =
            "\(volts(pulse.amplitude)), \(picoseconds(pulse.width)), \(kiloohms(pulse.resistance)),"
            + " \(attofarads(pulse.capacitance)); without drivers, sense amplifiers, trims and controller"
        let source = "V²(C/2 + t/R) of the model's device; the resistance is taken as independent of the voltage"
        return Group(
            title: "The device alone",
            rows: [
                Row(
                    part: "pulse", energy: pulse.energy, unit: .rawBit, area: dotArea, basis: .modelled,
                    conditions: conditions, source: source),
                Row(
                    part: "pulses for a delivered bit", energy: pulse.energy * accounting.rawPerDelivered,
                    unit: .deliveredBit, area: nil, basis: .modelled,
                    conditions: "\(decimal(accounting.rawPerDelivered)) raw bits for each delivered one", source: source
                ),
                Row(
                    part: "VC-MTJ, published", energy: 40e-15, unit: .rawBit, area: nil, basis: .literature,
                    conditions: "less than this; 1.5 to 2 V, below 1 ns", source: "Khalili Amiri et al. 2015"),
                Row(
                    part: "VCMA sample, published", energy: 20e-12, unit: .rawBit, area: nil, basis: .literature,
                    conditions: "30 ns", source: "Liu et al. 2022"),
            ])
    }

    private static let generators = Group(
        title: "Cells and generators on a chip",
        rows: [
            Row(
                part: "MRAM cell of a product", energy: nil, unit: .rawBit, area: 0.0486, basis: .literature,
                conditions: "Intel 22FFL; the cell only", source: "ISSCC 2019, by WikiChip Fuse"),
            Row(
                part: "CMOS generator", energy: 2.9e-12, unit: .rawBit, area: 4_004, basis: .literature,
                conditions: "45 nm, 2.4 Gb/s; measured there", source: "Mathew et al., JSSC 2012"),
            Row(
                part: "CMOS generator", energy: 38.1e-15, unit: .rawBit, area: nil, basis: .literature,
                conditions: "28 nm, 0.4 V, before von Neumann; measured there",
                source: "Lee et al., SSC-L 2025, 10.1109/LSSC.2025.3608187"),
        ])

    private static func system(_ accounting: BitAccounting, _ machine: MachineSpeeds) -> Group {
        let power = "one core at \(decimal(machine.wattsPerCore)) W, which is an assumption"
        let hash = machine.wattsPerCore / (8 * machine.hashBytesPerSecond)
        var rows = [
            Row(
                part: "conditioning, SHA-256", energy: hash * accounting.rawPerDelivered, unit: .deliveredBit,
                area: nil,
                basis: .assumed, conditions: "\(rate(machine.hashBytesPerSecond)) of input; \(power)",
                source: "measured in this run"),
            Row(
                part: "cable, USB 3", energy: 0.4e-9, unit: .transferredBit, area: nil, basis: .literature,
                conditions: "1.2 W peak of a flash drive at 3 Gb/s; a weak figure", source: "AnandTech 10163, computed"),
        ]
        if let speed = machine.socketBytesPerSecond {
            rows.append(
                Row(
                    part: "socket to the program", energy: machine.wattsPerCore / (8 * speed), unit: .deliveredBit,
                    area: nil, basis: .assumed, conditions: "\(rate(speed)) of the reader's core; \(power)",
                    source: "measured in this run"))
        }
        return Group(title: "From the array to the program", rows: rows)
    }

    private static func images(_ pulse: DevicePulse, _ accounting: BitAccounting, _ machine: MachineSpeeds) -> Group {
        var rows: [Row] = []
        if let pulses = machine.pulsesPerImage {
            rows.append(
                Row(
                    part: "forward process in the array", energy: pulses * pulse.energy, unit: .image, area: nil,
                    basis: .modelled, conditions: "\(grouped(pulses)) pulses of single devices; the array alone",
                    source: "V²(C/2 + t/R)"))
        }
        if let bits = machine.bitsPerImage {
            rows.append(
                Row(
                    part: "pulses for the bits of the reverse process",
                    energy: bits * accounting.rawPerDelivered * pulse.energy, unit: .image, area: nil, basis: .modelled,
                    conditions: "\(grouped(bits)) delivered bits; the array alone", source: "V²(C/2 + t/R)"))
        }
        if let seconds = machine.secondsPerImage {
            rows.append(
                Row(
                    part: "network", energy: seconds * machine.wattsPerCore, unit: .image, area: nil, basis: .assumed,
                    conditions: "\(milliseconds(seconds)) of a core at \(decimal(machine.wattsPerCore)) W",
                    source: "measured in this run"))
        }
        return Group(title: "An image", rows: rows)
    }

    /// The sentences under the table. A ratio is made of rows of one group only.
    private static func conclusions(
        _ pulse: DevicePulse, _ accounting: BitAccounting, _ machine: MachineSpeeds
    ) -> [String] {
        var sentences = [
            "The device alone leaves out drivers, sense amplifiers, trims and the controller; it is not to be compared"
                + " with a whole system."
        ]
        if let seconds = machine.secondsPerImage {
            let network = seconds * machine.wattsPerCore
            let bits = (machine.bitsPerImage ?? 0) * accounting.rawPerDelivered * pulse.energy
            let pulses = (machine.pulsesPerImage ?? 0) * pulse.energy
            sentences.append(
                "The network sets the energy of an image, not the noise: \(joules(network)) an image, against"
                    + " \(joules(bits + pulses)) of all pulses.")
        }
        return sentences
    }
}

// MARK: Texts of quantities

private func decimal(_ value: Double) -> String { significant(value, 3) }
private func volts(_ value: Double) -> String { "\(decimal(value)) V" }
private func picoseconds(_ value: Double) -> String { "\(decimal(value * 1e12)) ps" }
private func kiloohms(_ value: Double) -> String { "\(decimal(value / 1e3)) kΩ" }
private func attofarads(_ value: Double) -> String { "\(decimal(value * 1e18)) aF" }
private func milliseconds(_ value: Double) -> String { "\(decimal(value * 1e3)) ms" }
private func rate(_ bytes: Double) -> String { "\(decimal(bytes / 1e9)) GB/s" }

private func grouped(_ value: Double) -> String {
    let digits = String(Int(value.rounded()))
    return String(
        digits.reversed().enumerated().flatMap { index, digit in
            index > 0 && index.isMultiple(of: 3) ? [",", digit] : [digit]
        }.reversed())
}

/// An energy with a prefix, such as "15.2 fJ".
public func joules(_ value: Double) -> String {
    let prefixes = [("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6), ("nJ", 1e-9), ("pJ", 1e-12), ("fJ", 1e-15), ("aJ", 1e-18)]
    let (name, scale) = prefixes.first { abs(value) >= 0.9995 * $0.1 } ?? prefixes[prefixes.count - 1]
    return "\(decimal(value / scale)) \(name)"
}

/// A number rounded to so many significant digits, without an exponent.
private func significant(_ value: Double, _ digits: Int) -> String {
    guard value != 0, value.isFinite else { return "0" }
    var scale = 1.0
    var count = 0
    while abs(value) * scale < 1 { scale *= 10; count += 1 }
    var magnitude = abs(value) * scale
    var whole = 1
    while magnitude >= 10 { magnitude /= 10; whole += 1 }
    let places = max(0, count + digits - (abs(value) < 1 ? 1 : whole))
    let factor = (0..<places).reduce(1.0) { scaled, _ in scaled * 10 }
    let rounded = (value * factor).rounded() / factor
    let text = "\(rounded)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
