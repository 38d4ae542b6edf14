// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import LinuxPlatform
import Synchronization

/// Runs `body` on a thread for which the kernel checks files as for user 65534 ("nobody"), so that
/// refusals can be tested by root, too.
package func asNobody<Result: Sendable>(_ body: @escaping @Sendable () -> Result) throws -> Result? {
    let box = Box<Result>()
    let thread = try WorkerThread(name: "nobody") {
        _ = ctestsupport_check_files_as(65_534)
        box.result.withLock { $0 = body() }
    }
    thread.join()
    return box.result.withLock { $0 }
}

private final class Box<Result: Sendable>: Sendable {
    let result = Mutex<Result?>(nil)
}
