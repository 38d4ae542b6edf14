// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The folder of the files of weights that come with metrng.
public enum ModelFolder {
    /// METRNG_MODELS of the environment; otherwise the folder of an installation or of the checkout that the program is
    /// part of.
    public static var path: String {
        if let wanted = getenv("METRNG_MODELS").map({ String(cString: $0) }), !wanted.isEmpty { return wanted }
        return path(forProgram: programPath)
    }

    /// The path of one of its files.
    public static func file(_ name: String) -> String { "\(path)/\(name).safetensors" }

    /// The folder for a program with this path.
    package static func path(forProgram program: String) -> String {
        let installed = "/usr/share/metrng/models"
        var folder = program[...]
        while let slash = folder.lastIndex(of: "/") {
            folder = folder[..<slash]
            for candidate in ["\(folder)/share/metrng/models", "\(folder)/models"]
            where access("\(candidate)/features8.safetensors", R_OK) == 0 {
                return candidate
            }
        }
        return installed
    }

    private static var programPath: String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/exe", $0, bytes.count) } ?? -1
        }
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
