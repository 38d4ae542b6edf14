// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
package import DevicePhysics

/// The devices of an array, by lane.
package enum ArrayDevices: Sendable {
    case physical([ArrayDevice])
    /// Chains that only faults change, for tests of what follows the array.
    case fixed([SwitchingChain])

    package var count: Int {
        switch self {
        case .physical(let devices): devices.count
        case .fixed(let chains): chains.count
        }
    }

    func chain(
        lane: Int, at point: OperatingPoint, trim: Int16, temperatureKelvin: Double, drift: Double
    ) -> SwitchingChain {
        switch self {
        case .physical(let devices):
            devices[lane].chain(
                at: point, trim: trim, temperatureKelvin: temperatureKelvin, drift: drift)
        case .fixed(let chains): chains[lane]
        }
    }

    func resistanceOhms(lane: Int, drift: Double) -> Double {
        switch self {
        case .physical(let devices): devices[lane].resistanceOhms(drift: drift)
        // A chain has no resistance; any value serves.
        case .fixed: 5000
        }
    }
}
