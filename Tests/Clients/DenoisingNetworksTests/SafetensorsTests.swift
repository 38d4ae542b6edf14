// SPDX-License-Identifier: Apache-2.0

import DenoisingNetworks
import Testing

@Suite("Files of safetensors: hostile and damaged ones are refused, and the error says what is wrong")
struct SafetensorsTests {
    /// A file with two tensors of four and two bytes, and this header.
    private func defect(_ header: String, data: Int = 6) -> SafetensorsDefect? {
        do throws(SafetensorsDefect) {
            _ = try Safetensors(WeightFile.bytes(header: header, data: [UInt8](repeating: 0, count: data)))
            return nil
        } catch {
            return error
        }
    }

    private static func header(
        a: String = #""dtype":"F16","shape":[2],"data_offsets":[0,4]"#,
        b: String = #""dtype":"F16","shape":[1,1],"data_offsets":[4,6]"#
    ) -> String {
        #"{"a":{\#(a)},"b":{\#(b)}}"#
    }

    @Test("a proper file is read")
    func proper() throws {
        let header =
            #" {"__metadata__" : {"k\u00e9\n":"\ud83d\ude00"}, "a":{"shape":[2],"dtype":"F32","data_offsets":[0,8]}}  "#
        let values: [Float] = [1.5, -2]
        let data = values.flatMap { littleEndian($0.bitPattern) }
        let file = try Safetensors(WeightFile.bytes(header: String(header.dropFirst()), data: data))
        #expect(file.metadata == ["ké\n": "😀"])
        let entry = try #require(file.entries["a"])
        #expect(try file.floats(of: entry, name: "a") == values)
        #expect(Array(file.bytes(of: entry)) == data)
        #expect(defect(Self.header()) == nil)
        #expect(defect("{}", data: 0) == nil)
        let second = #""b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}"#
        #expect(defect(#"{\#(second),"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#) == nil)
    }

    @Test("16-bit floats are read exactly")
    func halves() throws {
        let patterns: [UInt16] = [0x3C00, 0x8000, 0x0001, 0x7BFF, 0xFBFF, 0x3555]
        let header = #"{"a":{"dtype":"F16","shape":[6],"data_offsets":[0,12]}}"#
        let file = try Safetensors(WeightFile.bytes(header: header, data: patterns.flatMap { littleEndian($0) }))
        let values = try file.floats(of: #require(file.entries["a"]), name: "a")
        #expect(values == [1, -0.0, 0x1p-24, 65504, -65504, 0x1.554p-2])
    }

    @Test(
        "what is wrong with a tensor is said",
        arguments: [
            (header(b: #""dtype":"F16","shape":[1],"data_offsets":[2,4]"#), .gap(tensor: "b")),
            (header(b: #""dtype":"F16","shape":[1],"data_offsets":[0,2]"#), .gap(tensor: "b")),
            (header(b: #""dtype":"F16","shape":[2],"data_offsets":[0,4]"#), .gap(tensor: "b")),
            (header(a: #""dtype":"F16","shape":[1],"data_offsets":[0,2]"#), .gap(tensor: "b")),
            (header(b: #""dtype":"F16","shape":[1],"data_offsets":[6,4]"#), .offsets(tensor: "b")),
            (header(b: #""dtype":"F16","shape":[2],"data_offsets":[4,8]"#), .offsets(tensor: "b")),
            (header(b: #""dtype":"F16","shape":[1],"data_offsets":[18446744073709551614,0]"#), .offsets(tensor: "b")),
            (header(b: #""dtype":"F16","shape":[1],"data_offsets":[4,18446744073709551615]"#), .offsets(tensor: "b")),
            (header(b: #""dtype":"F16","shape":[2],"data_offsets":[4,6]"#), .size(tensor: "b", shape: 4, found: 2)),
            (header(b: #""dtype":"F32","shape":[1],"data_offsets":[4,6]"#), .size(tensor: "b", shape: 4, found: 2)),
            (header(b: #""dtype":"F16","shape":[0],"data_offsets":[4,4]"#), .shape(tensor: "b")),
            (header(b: #""dtype":"F16","shape":[0,9223372036854775807,9],"data_offsets":[4,6]"#), .shape(tensor: "b")),
            (
                header(b: #""dtype":"F16","shape":[4294967296,4294967296,1],"data_offsets":[4,6]"#),
                .shape(tensor: "b")
            ),
            (header(b: #""dtype":"F16","shape":[9223372036854775809],"data_offsets":[4,6]"#), .shape(tensor: "b")),
            (header(b: #""dtype":"F64","shape":[1],"data_offsets":[4,6]"#), .type(tensor: "b", type: "F64")),
            (header(b: #""dtype":"f16","shape":[1],"data_offsets":[4,6]"#), .type(tensor: "b", type: "f16")),
            (header(b: #""dtype":"F16","shape":[1]"#), .member(tensor: "b", member: "data_offsets")),
            (header(b: #""dtype":"F16","shape":[1],"data_offsets":[4]"#), .member(tensor: "b", member: "data_offsets")),
            (header(b: #""dtype":"F16","data_offsets":[4,6]"#), .member(tensor: "b", member: "shape")),
            (header(b: #""shape":[1],"data_offsets":[4,6]"#), .member(tensor: "b", member: "dtype")),
            (header(b: #""dtype":"F16","size":[1],"data_offsets":[4,6]"#), .member(tensor: "b", member: "size")),
            (header(b: #""dtype":"F16","dtype":"F16","shape":[1]"#), .duplicate("dtype")),
            (header(b: #""dtype":"F16","d\u0074ype":"F16","shape":[1]"#), .duplicate("dtype")),
            (#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, .excess(bytes: 3)),
            ("{}", .excess(bytes: 6)),
            (#"{"__metadata__":{"a":"1","a":"1"}}"#, .duplicate("a")),
        ] as [(String, SafetensorsDefect)])
    func tensors(header: String, expected: SafetensorsDefect) {
        #expect(defect(header) == expected)
        #expect(!expected.description.isEmpty)
    }

    @Test("the same name twice is refused, however it is written")
    func duplicateTensor() {
        let one = #"{"dtype":"F16","shape":[3],"data_offsets":[0,6]}"#
        #expect(defect(#"{"a":\#(one),"\u0061":\#(one)}"#) == .duplicate("a"))
    }

    @Test(
        "a header that is no JSON, or other JSON than the format has, is refused",
        arguments: [
            "", "[]", " {}", "{", "{\"a\"", "{\"a\":1}", "{\"a\":{}", "{}x", "{}{}", "{,}", "{\"a\":{},}", "null",
            "{\"a\":null}",
            #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":[]}"#, #"{"__metadata__":{"a":"\x"}}"#,
            #"{"__metadata__":{"a":"\ud800"}}"#, #"{"__metadata__":{"a":"\ud800\u0041"}}"#,
            #"{"__metadata__":{"a":"\udc00"}}"#,
            #"{"__metadata__":{"a":"\u12"}}"#, "{\"__metadata__\":{\"a\":\"\n\"}}",
            header(b: #""dtype":"F16","shape":[-1],"data_offsets":[4,6]"#),
            header(b: #""dtype":"F16","shape":[1.0],"data_offsets":[4,6]"#),
            header(b: #""dtype":"F16","shape":[01],"data_offsets":[4,6]"#),
            header(b: #""dtype":"F16","shape":[1e0],"data_offsets":[4,6]"#),
            header(b: #""dtype":"F16","shape":[18446744073709551616],"data_offsets":[4,6]"#),
            header(b: #""dtype":"F16","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[4,6]"#),
            header(b: #""dtype":"F16","shape":[[1]],"data_offsets":[4,6]"#),
            header(b: #""dtype":"F16","shape":[1],"data_offsets":[4,5,6]"#),
            header(b: #""dtype":"F16","shape":[],"data_offsets":[]"#),
        ])
    func noHeader(_ header: String) {
        switch defect(header) {
        case .header, .member: break
        case let other: Issue.record("\(String(describing: other))")
        }
    }

    @Test("bytes that are no UTF-8 are refused")
    func notText() {
        var bytes = WeightFile.bytes(header: #"{"__metadata__":{"a":"x"}}"#, data: [])
        bytes[8 + 22] = 0xFF
        #expect(throws: SafetensorsDefect.header(byte: 23, wanted: "UTF-8 in a string")) { try Safetensors(bytes) }
    }

    @Test("a header's length beyond the file or a megabyte is refused before it is read")
    func headerLength() {
        for count in [0, 7] {
            #expect(throws: SafetensorsDefect.tooShort) { try Safetensors([UInt8](repeating: 0, count: count)) }
        }
        for length in [3, UInt64(Int.max), .max] {
            #expect(throws: SafetensorsDefect.headerLength(length)) {
                try Safetensors(littleEndian(length) + [0x7B, 0x7D])
            }
        }
        let large = "{}" + String(repeating: " ", count: 1 << 20)
        #expect(throws: SafetensorsDefect.headerLength(UInt64(large.utf8.count))) {
            try Safetensors(WeightFile.bytes(header: large, data: []))
        }
    }

    @Test("every file that is cut short is refused")
    func truncated() throws {
        let bytes = WeightFile.bytes(header: Self.header(), data: [0, 0, 0, 0, 0, 0])
        _ = try Safetensors(bytes)
        for count in 0..<bytes.count {
            #expect(throws: SafetensorsDefect.self) { try Safetensors(Array(bytes.prefix(count))) }
        }
        #expect(throws: SafetensorsDefect.excess(bytes: 1)) { try Safetensors(bytes + [0]) }
    }

    @Test("values that are not finite are refused", arguments: [0x7C00, 0xFC00, 0x7E01] as [UInt16])
    func notFinite(pattern: UInt16) throws {
        let header = #"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#
        let file = try Safetensors(WeightFile.bytes(header: header, data: [0, 0] + littleEndian(pattern)))
        let entry = try #require(file.entries["a"])
        #expect(throws: SafetensorsDefect.notFinite(tensor: "a")) { try file.floats(of: entry, name: "a") }
    }

    @Test("control characters of a name do not reach a message")
    func printable() {
        let found = defect(#"{"a\u001b[31m\u202e":{"dtype":"F99","shape":[1],"data_offsets":[0,6]}}"#)
        #expect(found == .type(tensor: "a\u{FFFD}[31m\u{FFFD}", type: "F99"))
    }
}
