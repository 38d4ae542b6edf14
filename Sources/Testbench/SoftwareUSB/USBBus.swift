// SPDX-License-Identifier: Apache-2.0

/// Where software devices are plugged in to be seen by programs.
package protocol USBBus: AnyObject {
    /// - Parameter place: where, as the bus numbers its places.
    func plug(_ function: any USBFunction, place: String) throws(PortError) -> any USBPort
}

/// A device that is plugged in, until it is pulled out or the port is released.
package protocol USBPort: AnyObject {
    /// Pulls the device out, if it is in. Transfers that are under way fail.
    func unplug()
}

/// What a port or a bus could not do.
package struct PortError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
