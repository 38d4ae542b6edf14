// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CMetrng
import EntropyTerms
import LinuxPlatform

/// What `mectl stream` makes of bits.
enum StreamFormat: String, ExpressibleByArgument, CaseIterable {
    /// The bits as they come.
    case bits
    /// Normal numbers of mean 0 and standard deviation 1.
    case normals
    /// Uniform numbers in [0, 1).
    case uniform
}

/// The type of numbers, in the byte order of the machine.
enum SampleType: String, ExpressibleByArgument, CaseIterable {
    case float32
    case float64

    var byteCount: Int { self == .float32 ? 4 : 8 }
}

/// Numbers made of bits by libmetrng, for `mectl stream`. For one thread.
final class SampleStream {
    /// Why there are no samples.
    struct Failed: Error {
        let status: metrng_status
        /// What happened and what to do, in the words of libmetrng.
        let message: String
    }

    /// How many bytes are made at once.
    static let chunk = 1 << 18
    /// How long a wait may last until it is mentioned, in nanoseconds.
    private static let patience: UInt64 = 300_000_000

    private let session: OpaquePointer
    private let wait: Wait

    /// What the library tells while it waits.
    private final class Wait {
        var since: UInt64?
        var tell: (() -> Void)?
    }

    /// - Parameter tellWait: called once, when bits are waited for.
    init(path: String, allowsSimulated: Bool, tellWait: @escaping () -> Void) throws(Failed) {
        wait = Wait()
        wait.tell = tellWait
        var options = metrng_options()
        options.size = MemoryLayout<metrng_options>.size
        options.grade = METRNG_FULL
        options.allow_simulated = allowsSimulated ? 1 : 0
        options.wait_seconds = -1
        options.record_descriptor = -1
        options.context = Unmanaged.passUnretained(wait).toOpaque()
        options.interrupted = { context in
            guard let context else { return 0 }
            SampleStream.noteWait(Unmanaged<Wait>.fromOpaque(context).takeUnretainedValue())
            return 0
        }
        var opened: OpaquePointer?
        let status = path.withCString { path in
            "mectl".withCString { name in
                options.path = path
                options.client = name
                return metrng_open(&opened, &options)
            }
        }
        guard status == METRNG_OK, let opened else { throw Failed(status) }
        session = opened
    }

    deinit { metrng_close(session) }

    /// Fills a buffer with samples; `buffer` holds whole ones and is aligned for them.
    func fill(_ buffer: UnsafeMutableRawBufferPointer, _ format: StreamFormat, _ type: SampleType) throws(Failed) {
        wait.since = nil
        let count = buffer.count / type.byteCount
        let status =
            switch (format, type) {
            case (.bits, _): metrng_read(session, buffer.baseAddress, buffer.count)
            case (.normals, .float32):
                metrng_normal_float(session, buffer.bindMemory(to: Float.self).baseAddress, count, 0, 1)
            case (.normals, .float64):
                metrng_normal_double(session, buffer.bindMemory(to: Double.self).baseAddress, count, 0, 1)
            case (.uniform, .float32):
                metrng_uniform_float(session, buffer.bindMemory(to: Float.self).baseAddress, count)
            case (.uniform, .float64):
                metrng_uniform_double(session, buffer.bindMemory(to: Double.self).baseAddress, count)
            }
        guard status == METRNG_OK else { throw Failed(status) }
        wait.tell = nil
    }

    /// Where the bits of the last samples came from.
    var provenance: Provenance? {
        var origin = metrng_origin()
        guard metrng_get_origin(session, &origin) == METRNG_OK else { return nil }
        return Provenance(rawValue: UInt8(clamping: origin.provenance.rawValue))
    }

    private static func noteWait(_ wait: Wait) {
        let now = monotonicNanoseconds()
        let since = wait.since ?? now
        wait.since = since
        guard now - since > patience else { return }
        wait.tell?()
        wait.tell = nil
    }
}

extension SampleStream.Failed {
    fileprivate init(_ status: metrng_status) {
        self.status = status
        var text = [CChar](repeating: 0, count: 1024)
        _ = metrng_error(&text, text.count)
        let length = text.firstIndex(of: 0) ?? text.count
        message = String(decoding: text[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
