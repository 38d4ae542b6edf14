// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite("mectl set --preset: the point of a model, for an array of the devices that it was chosen for")
struct PresetTests {
    @Test("A simulated array goes back to the point of its preset, and takes that of no other")
    func simulated() throws {
        let daemon = try DaemonProcess("boards: [{name: array0, lanes: 64}]")
        let away = try mectl("set", "--width", "470", "--amplitude", "1200", directory: daemon.directory)
        #expect(away.text.hasSuffix("array0: 1200 mV, 470 ps, 20,000 µT\n"))
        let other = try mectl("set", "--preset", "damped", directory: daemon.directory)
        #expect(other.status == 64 && other.errors.contains("known is: quarterPeriod, weak"))
        let back = try mectl("set", "--preset", "quarterPeriod", directory: daemon.directory)
        #expect(back.text.hasSuffix("array0: 1230 mV, 460 ps, 20,000 µT\n"))
        let near = try mectl("set", "--preset", "quarterPeriod", "--width", "461", directory: daemon.directory)
        #expect(near.text.hasSuffix("array0: 1230 mV, 461 ps, 20,000 µT\n"))
        #expect(daemon.stop() == 0)
    }

    @Test("At the weak point lanes without trims hardly switch, and fail")
    func weak() throws {
        let daemon = try DaemonProcess("boards: [{name: array0, lanes: 64, trim: {hold: false}}]")
        let weak = try mectl("set", "--preset", "weak", directory: daemon.directory)
        #expect(weak.status == 0 && weak.text.hasSuffix("array0: 2300 mV, 142 ps, 20,000 µT\n"))
        #expect(
            try eventually {
                try mectl("wait", "--for", "healthy", "--timeout", "0", directory: daemon.directory).status == 3
            })
        #expect(daemon.stop() == 0)
    }

    @Test("An array of other devices has no preset, and mectl says why")
    func otherDevices() throws {
        let daemon = try DaemonProcess(
            """
            boards:
              - name: array0
                lanes: 64
                array: {device: {diameterNanometres: 61}}
            """)
        let refused = try mectl("set", "--preset", "quarterPeriod", directory: daemon.directory)
        #expect(refused.status == 64 && refused.errors.contains("a preset is a property of a model"))
        #expect(daemon.stop() == 0)
    }
}
