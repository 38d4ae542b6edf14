// SPDX-License-Identifier: Apache-2.0

import Diffusion
import Testing

@Suite("The energy table: formulas, accounting of bits, sources, and that it does not mix what must not be compared")
struct EnergyTableTests {
    private static let pulse = DevicePulse(
        amplitude: 1.23, width: 460e-12, capacitance: DevicePulse.capacitance(diameter: 60e-9, oxide: 1.5e-9),
        resistance: 46e3)

    private static func table(_ machine: MachineSpeeds) -> EnergyTable {
        EnergyTable(
            pulse: pulse, dotArea: 0.0028, accounting: BitAccounting(claimedEntropyPerBit: 0.8, xorFold: 2),
            machine: machine)
    }

    @Test("a pulse of 1.23 V and 460 ps through 46 kΩ costs 0.12 fJ of charge and 15.1 fJ of leakage")
    func pulse() {
        #expect(abs(Self.pulse.capacitance - 162e-18) < 1e-18)
        #expect(abs(Self.pulse.chargeEnergy - 0.1225e-15) < 0.001e-15)
        #expect(abs(Self.pulse.leakageEnergy - 15.13e-15) < 0.01e-15)
        #expect(Self.pulse.energy == Self.pulse.chargeEnergy + Self.pulse.leakageEnergy)
    }

    @Test("a delivered bit takes 320/256 credited ones, more raw ones by the claim, and more by folding")
    func accounting() {
        #expect(BitAccounting(claimedEntropyPerBit: 1).rawPerDelivered == 1.25)
        #expect(BitAccounting(claimedEntropyPerBit: 0.5, xorFold: 2).rawPerDelivered == 5)
    }

    @Test("every row says what it is, under which conditions and by whom; what was not measured has no row")
    func rows() {
        let bare = Self.table(MachineSpeeds(hashBytesPerSecond: 1e9))
        let rows = bare.groups.flatMap(\.rows)
        for row in rows {
            #expect(!row.part.isEmpty && !row.conditions.isEmpty && !row.source.isEmpty)
            #expect(row.energy != nil || row.area != nil)
        }
        #expect(!rows.contains { $0.unit == .image } && bare.conclusions.count == 1)
        let full = Self.table(
            MachineSpeeds(
                hashBytesPerSecond: 1e9, socketBytesPerSecond: 1e9, secondsPerImage: 5e-3, pulsesPerImage: 300 * 1024,
                bitsPerImage: 1e5))
        #expect(full.groups.flatMap(\.rows).count == rows.count + 4)
    }

    @Test("the figures follow from the speeds and the power")
    func figures() throws {
        let table = Self.table(
            MachineSpeeds(
                hashBytesPerSecond: 1e9, secondsPerImage: 4e-3, pulsesPerImage: 1e6, bitsPerImage: 1e5, wattsPerCore: 8)
        )
        func row(_ part: String) throws -> EnergyTable.Row {
            try #require(table.groups.flatMap(\.rows).first { $0.part == part })
        }
        // 8 W for 8 · 10^9 bits a second, and 3.125 raw bits for each delivered one.
        #expect(abs(try #require(row("conditioning, SHA-256").energy) - 3.125e-9) < 1e-15)
        #expect(abs(try #require(row("network").energy) - 32e-3) < 1e-9)
        #expect(try row("forward process in the array").energy == 1e6 * Self.pulse.energy)
        let delivered = try #require(row("pulses for a delivered bit").energy)
        #expect(abs(delivered - 3.125 * Self.pulse.energy) < 1e-20)
        #expect(table.conclusions[1].contains("32 mJ an image, against 20"))
        let device = try row("pulse")
        #expect(abs(try #require(device.product) - Self.pulse.energy * 0.0028) < 1e-24)
        #expect(try row("MRAM cell of a product").product == nil)
    }

    @Test(
        "energies are written with three digits and a prefix",
        arguments: [
            (15.26e-15, "15.3 fJ"), (0.4e-9, "400 pJ"), (32e-3, "32 mJ"), (1.5, "1.5 J"), (2e-20, "0.02 aJ"),
            (999.9e-15, "1 pJ"), (0, "0 aJ"),
        ])
    func texts(energy: Double, text: String) { #expect(joules(energy) == text) }
}
