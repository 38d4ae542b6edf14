// SPDX-License-Identifier: Apache-2.0

/// A parser of foreign bytes together with the properties that it keeps for every input.
///
/// `run` returns when all properties hold and traps when one does not. It may be called any number of
/// times, by one thread; the outcome depends on the bytes alone.
package struct FuzzTarget: Sendable, CustomStringConvertible {
    /// The name on the command line, and that of the folder of its corpus in `Tests/Fuzz/Corpus`.
    package let name: String
    /// The longest input worth trying, in bytes.
    package let inputLimit: Int
    package let run: @Sendable (UnsafeRawBufferPointer) -> Void

    package var description: String { name }

    init(
        _ name: String, inputLimit: Int = 4_096,
        run: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) {
        self.name = name
        self.inputLimit = inputLimit
        self.run = run
    }

    /// Every parser of foreign bytes.
    package static let all = [
        entropyMessages, entropySession, egdSession, entropyClient, varlinkFraming, json, varlinkSession,
        varlinkReply,
        boardFrames, boardRecords, boardRequests, recording, configuration, faultScript, safetensors,
    ]
}

/// Traps unless a property holds, and names it.
func require(_ holds: Bool, _ property: @autoclosure () -> String) {
    guard holds else { fatalError("a property does not hold: \(property())") }
}

/// The value of a property that has to be there.
func required<Value>(_ value: Value?, _ property: @autoclosure () -> String) -> Value {
    guard let value else { fatalError("a property does not hold: \(property())") }
    return value
}
