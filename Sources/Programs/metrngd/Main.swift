// SPDX-License-Identifier: Apache-2.0

import MetrngDaemon

@main
struct Main {
    static func main() { runMetrngd() }
}
