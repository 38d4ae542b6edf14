// SPDX-License-Identifier: Apache-2.0

import Yams

/// Why a text is no single YAML document.
struct YAMLFailure: Error, Equatable {
    let position: Position
    let fault: ConfigurationFault
}

/// Runs Yams over a text, past repeated keys.
///
/// Yams gives up at the first mapping with a repeated key, and tells only where the key stands first.
/// To learn what else is wrong with the file, that key is overwritten in place and the text read
/// again, up to `maximumRepeatedKeys` times, and for long texts fewer times.
struct YAMLSource {
    private var text: YAMLText
    private let asWritten: YAMLText
    /// The repeated keys that were overwritten, by where they stand.
    private(set) var repeated: [Position: String] = [:]

    private static let maximumRepeatedKeys = 16
    /// The most that is read again, in Unicode scalars: the longest text is read again once, as Yams takes a quarter
    /// of a second for it.
    private static let maximumReread = maximumConfigurationBytes

    /// `text` is `asWritten` or has the same structure with every place unmoved.
    init(text: YAMLText, asWritten: YAMLText) {
        self.text = text
        self.asWritten = asWritten
    }

    /// The only document; `nil` when there is none.
    mutating func document() throws(YAMLFailure) -> Node? {
        while true {
            do {
                return try singleDocument()
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                guard let key = keys.first else { throw unplacedRepeat(at: context.mark) }
                try hide(key, at: Position(context.mark))
            } catch let error as YAMLFailure {
                throw error
            } catch {
                throw failure(error)
            }
        }
    }

    private func singleDocument() throws -> Node? {
        let parser = try Parser(yaml: text.string, encoding: .utf8)
        let root = try parser.nextRoot()
        if let second = try parser.nextRoot() {
            throw YAMLFailure(position: Position(second.mark), fault: .severalDocuments)
        }
        return root
    }

    private mutating func hide(_ key: String, at position: Position) throws(YAMLFailure) {
        let number = UInt32(repeated.count)
        guard number < Self.maximumRepeatedKeys,
            (Int(number) + 1) * text.count <= Self.maximumReread,
            text.hideKey(key, at: position, number: number)
        else { throw YAMLFailure(position: position, fault: .repeatedKey(otherLine: nil)) }
        repeated[position] = key
    }

    private func unplacedRepeat(at mark: Mark) -> YAMLFailure {
        YAMLFailure(position: Position(mark), fault: .repeatedKey(otherLine: nil))
    }

    private func failure(_ error: any Error) -> YAMLFailure {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            refusal(in: context) ?? syntax(at: Position(mark), [context?.text, problem])
        case YamlError.reader(let problem, let offset, _, _):
            syntax(at: position(ofCharacter: offset ?? 0), [problem])
        case YamlError.memory:
            syntax(at: Position(line: 1, column: 1), ["too many levels, or too little memory"])
        default:
            syntax(at: Position(line: 1, column: 1), [String(describing: error)])
        }
    }

    /// An anchor or alias that makes no tag when it is masked, such as `*a,`.
    private func refusal(in context: YamlError.Context?) -> YAMLFailure? {
        guard let position = context.map({ Position($0.mark) }),
            let feature = asWritten.refusedFeature(at: position)
        else { return nil }
        return YAMLFailure(position: position, fault: .refused(feature))
    }

    private func syntax(at position: Position, _ reasons: [String?]) -> YAMLFailure {
        let hint = text[position] == "\t" ? "a tab cannot indent, use spaces" : nil
        let parts = (reasons + [hint]).compactMap(\.self)
        return YAMLFailure(position: position, fault: .syntax(parts.joined(separator: ": ")))
    }

    private func position(ofCharacter offset: Int) -> Position {
        text.position(ofScalar: text.string.prefix(offset).unicodeScalars.count)
    }
}
