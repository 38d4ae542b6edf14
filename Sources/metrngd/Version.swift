// SPDX-License-Identifier: Apache-2.0

/// The version of the daemon, as in CHANGELOG.md.
let metrngVersion = "0.1.0"
