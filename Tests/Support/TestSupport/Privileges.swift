// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Gives up the rights of root for good, so that permissions and limits hold for this process.
/// For processes that run one test only.
package func becomeNobody() {
    if getuid() == 0 {
        precondition(setgid(65534) == 0 && setuid(65534) == 0)
    }
}

/// Sets how many bytes of memory this process may lock. For processes that run one test only.
package func limitLockableMemory(to bytes: UInt) {
    var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
    precondition(setrlimit(Int32(__RLIMIT_MEMLOCK.rawValue), &limit) == 0)
}

/// Sets how many descriptors this process may have. For processes that run one test only.
package func limitDescriptors(to count: UInt) {
    var limit = rlimit(rlim_cur: count, rlim_max: count)
    precondition(setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) == 0)
}

/// Whether a sanitizer runs. Under one, `mlock` does nothing.
package var isSanitized: Bool {
    let program = dlopen(nil, RTLD_NOW)
    return dlsym(program, "__tsan_init") != nil || dlsym(program, "__asan_init") != nil
}

/// Sets how long files may become that this process writes, in bytes; beyond, writing fails with
/// `EFBIG`. For processes that run one test only.
package func limitFileSize(to bytes: UInt) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
    precondition(setrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit) == 0)
}
