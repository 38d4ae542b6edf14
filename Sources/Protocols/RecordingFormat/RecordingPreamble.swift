// SPDX-License-Identifier: Apache-2.0

import CChecksum
import CKernelSupport
import FoundationEssentials

/// The two lines of text before the frames of a recording.
///
///     metrng-recording 1
///     {"context":{…},"crc32c":"0123abcd"}
///
/// The checksum is that of the text of the context as it stands there, in eight hexadecimal digits.
package enum RecordingPreamble {
    /// The first line without the version.
    static let title = "metrng-recording "
    static let version = "1"
    /// The longest second line with its line feed, in bytes.
    static let contextLimit = 65_536
    /// As many bytes as a reader has to look at.
    package static let byteLimit = firstLine.count + contextLimit

    private static let firstLine = Array("\(title)\(version)\n".utf8)
    private static let opening = Array(#"{"context":"#.utf8)
    private static let closingCount = closing(of: []).count

    private static func closing(of context: some Collection<UInt8>) -> [UInt8] {
        let digits = String(checksum(of: Array(context)), radix: 16)
        let padding = String(repeating: "0", count: 8 - digits.count)
        return Array(#","crc32c":"\#(padding)\#(digits)"}"#.utf8)
    }

    /// The checksum of the text of a context: CRC-32C.
    package static func checksum(of bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { ck_crc32c(ck_features_here(), 0, $0.baseAddress, $0.count) }
    }

    /// - Throws: `notRecordable`, when the context is impossible or too long.
    package static func bytes(of context: RecordingContext) throws(RecordingError) -> [UInt8] {
        if let defect = context.defect { throw .notRecordable(defect) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(ContextText(context)) else {
            throw .notRecordable("a number in the context is not finite")
        }
        let line = opening + text + closing(of: text) + Array("\n".utf8)
        guard line.count <= contextLimit else {
            throw .notRecordable("the context is longer than \(contextLimit) bytes")
        }
        return firstLine + line
    }

    /// Reads the lines at the start of a file.
    ///
    /// - Parameter bytes: the first `byteLimit` bytes of the file, or all it has.
    /// - Returns: the context, and how many bytes the two lines are.
    package static func parse(
        _ bytes: [UInt8]
    ) throws(RecordingError) -> (context: RecordingContext, byteCount: Int) {
        try checkFirstLine(bytes)
        let rest = bytes[firstLine.count...].prefix(contextLimit)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            // The text has no control characters, frames have many.
            throw rest.count < contextLimit && rest.allSatisfy { $0 >= 0x20 }
                ? .truncated(byte: UInt64(bytes.count), shots: 0) : .contextDamaged
        }
        guard let context = context(in: rest[..<end]) else { throw .contextDamaged }
        return (context, end + 1)
    }

    private static func checkFirstLine(_ bytes: [UInt8]) throws(RecordingError) {
        let title = Array(title.utf8)
        if bytes.starts(with: firstLine) { return }
        if !bytes.isEmpty, firstLine.starts(with: bytes) {
            throw .truncated(byte: UInt64(bytes.count), shots: 0)
        }
        let version = bytes.dropFirst(title.count).prefix(20).prefix { $0 != UInt8(ascii: "\n") }
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard bytes.starts(with: title), !version.isEmpty, version.allSatisfy(digits.contains)
        else {
            throw .notARecording
        }
        throw .otherVersion(String(decoding: version, as: UTF8.self))
    }

    private static func context(in line: ArraySlice<UInt8>) -> RecordingContext? {
        let text = line.dropFirst(opening.count).dropLast(closingCount)
        guard line.starts(with: opening), isFlat(text),
            line.suffix(closingCount).elementsEqual(closing(of: text))
        else { return nil }
        return try? JSONDecoder().decode(ContextText.self, from: Data(text)).context
    }

    /// Whether JSON text is an object of nothing but strings, numbers and words. The decoder takes
    /// time that grows with the cube of the depth, so that others are not given to it.
    private static func isFlat(_ text: some Collection<UInt8>) -> Bool {
        var (inString, escaped, opened) = (false, false, 0)
        for byte in text {
            switch byte {
            case _ where escaped: escaped = false
            case UInt8(ascii: "\\") where inString: escaped = true
            case UInt8(ascii: "\""): inString.toggle()
            case _ where inString: break
            case UInt8(ascii: "["), UInt8(ascii: "{"): opened += 1
            default: break
            }
        }
        return opened == 1
    }
}
