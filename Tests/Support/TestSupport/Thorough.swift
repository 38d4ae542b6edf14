// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Testing

extension Trait where Self == ConditionTrait {
    /// A test that `make check` leaves to `make test`: statistics and sweeps that take more than a second or two in
    /// code that is not optimised, and whole processes that wait for time to pass.
    ///
    /// The environment variable `METRNG_TESTS=quick` skips these tests.
    package static var thorough: Self {
        .enabled(
            if: getenv("METRNG_TESTS").map { String(cString: $0) } != "quick", "left to make test")
    }
}
