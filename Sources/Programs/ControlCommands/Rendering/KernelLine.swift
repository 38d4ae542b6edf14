// SPDX-License-Identifier: Apache-2.0

package import ControlInterface

/// One line about the feeding of the kernel: when and what, or why not.
package func kernelLine(_ kernel: KernelFeedStatus?, now: Double) -> String {
    guard let kernel else { return "kernel not fed: kernel.feed is false" }
    let total =
        "\(grouped(kernel.bytes)) B in total, credited \(grouped(kernel.creditedBits)) bit,"
        + " every \(duration(Double(kernel.intervalSeconds)))"
    let last = kernel.lastFed.map {
        "fed \(moment($0)); \(duration(now - $0)) ago, \(total)"
    }
    guard let cause = kernel.cause else { return "kernel \(last ?? "not fed yet")" }
    let remedy = kernel.remedy.map { "; \(printable($0))" } ?? ""
    return "kernel not fed: \(printable(cause))\(remedy)" + (last.map { " (last \($0))" } ?? "")
}
