// SPDX-License-Identifier: Apache-2.0

package let controlInterfaceName = "org.metrng.Control"

/// The text of `org.metrng.Control.varlink`, which the build puts into the program, so that there is
/// no file to lose after installation.
package let controlInterfaceText = String(
    decoding: PackageResources.org_metrng_Control_varlink, as: UTF8.self)

/// The version of the daemon and of its tools, which are released together.
package let metrngVersion = "0.1.0"

/// How often `Watch` may report, in seconds.
package let watchIntervals = 0.1...3_600.0

package let defaultWatchInterval = 1.0
