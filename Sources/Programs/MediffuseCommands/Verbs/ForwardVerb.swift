// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Diffusion
import EntropyTerms
import Glibc
import LinuxPlatform
import PNGFiles

struct ForwardVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "forward",
        abstract: "Show an image dissolving in an array.",
        discussion: """
            The image is written into the devices of the array, several a pixel, and read after more and more pulses. It is \
            drawn in the terminal, and written to the --output as one picture of all moments, or with --animate as an \
            animated PNG.
            """)

    /// The most pixels of a side of an image.
    static let sideLimit = 128
    /// The most bytes of a file with an image.
    private static let byteLimit = 4_194_304

    @Argument(help: ArgumentHelp("A PNG image of at most 128 × 128 pixels and 8 bits.", valueName: "image.png"))
    var image: String

    @Option(parsing: .unconditional, help: "Number of moments to show, the first of them before any pulse.")
    var frames = 12

    @Flag(help: "Write an animated PNG.")
    var animate = false

    @Option(help: ArgumentHelp("A file that does not exist: .png.", valueName: "file"))
    var output: String?

    @OptionGroup var array: ArrayOptions
    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        guard (2...100).contains(frames) else { throw ValidationError("--frames takes a number from 2 to 100") }
        if let output, !output.hasSuffix(".png"), !output.hasSuffix(".apng") {
            throw ValidationError("--output takes a file whose name ends in .png")
        }
        if animate, output == nil { throw ValidationError("--animate needs an --output") }
    }

    func perform(on bench: Workbench) throws(Failure) {
        let console = bench.console
        let start = try readImage()
        let file = try output.map { (path) throws(Failure) in try WholeFile(path) }
        let source = try daemon.bits(console)
        try DiffusionError.failing { () throws(DiffusionError) in
            // Two bits for the rounding of a pixel, and about a dozen for the place of a device.
            try source.drawAhead(words: start.pixels.count * (array.devices * 16 + 2) / 64 + 4_096)
        }
        let progress = ProgressBar(on: console)
        let prepared = try array.prepare(daemon, loads: 32, progress, console)
        let schedule = try array.makeSchedule(prepared.calibration.curve)
        let readings = readings(schedule)
        let levels = start.pixels.map { Float($0) / 127.5 - 1 }
        let counts = try DiffusionError.failing { () throws(DiffusionError) in
            let process = try ForwardProcess(
                array: prepared.lease, code: array.code, leavingOut: prepared.calibration.leftOut,
                chopping: array.chop, bits: RandomBits(source))
            return try process.trajectories(
                of: levels, readAt: readings, progress: progress.handler("dissolving", unit: "loads"))
        }
        progress.clear()
        let frames = counts.map { counts in
            GrayImage(
                height: start.height, width: start.width,
                pixels: bytes(ofLevels: counts.map { Float(array.code.level(of: Int($0))) }))
        }
        let report = ForwardReport(
            self, prepared, readings: readings, size: (start.height, start.width),
            daemonVersion: daemon.daemon(console)?.version)
        try file?.finish(try content(frames, report))
        try show(frames, report, on: console)
    }

    /// Moments of the schedule, evenly spaced, after the one before any pulse.
    private func readings(_ schedule: DiffusionSchedule) -> [Int] {
        let last = schedule.steps.count - 1
        let chosen = (1..<frames).map { frame in
            schedule.steps[min(last, frame * schedule.steps.count / (frames - 1) - (frame == frames - 1 ? 1 : 0))]
                .pulses
        }
        return [0] + Set(chosen).sorted()
    }

    private func readImage() throws(Failure) -> GrayImage {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try contents(of: image)
        } catch {
            throw .file(error)
        }
        do {
            return try decodePNG(bytes, limit: Self.sideLimit)
        } catch {
            throw .image(error, path: image)
        }
    }

    private func contents(of path: String) throws(SystemError) -> [UInt8] {
        let file = Descriptor(owning: try system("open", path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) })
        var status = stat()
        try system("read", path) { fstat(file.raw, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError("read", path, code: EINVAL) }
        guard status.st_size <= Self.byteLimit else { throw SystemError("read", path, code: EFBIG) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var position = 0
        while position < bytes.count {
            let count = try system("read", path) {
                bytes.withUnsafeMutableBytes { buffer in
                    read(file.raw, buffer.baseAddress?.advanced(by: position), buffer.count - position)
                }
            }
            guard count > 0 else { break }
            position += count
        }
        return Array(bytes[..<position])
    }

    private func content(_ frames: [GrayImage], _ report: ForwardReport) throws(Failure) -> [UInt8] {
        let scale = pictureScale(frames[0])
        do {
            guard animate else {
                let columns = frames.count <= 12 ? frames.count : Int(Double(frames.count).squareRoot().rounded(.up))
                return try encodePNG(grid(frames, columns: columns, scale: min(scale, 6)), texts: report.texts)
            }
            let pictures = frames.map { grid([$0], columns: 1, scale: scale) }
            let delays = pictures.indices.map { $0 == 0 || $0 == pictures.count - 1 ? 1_500 : 250 }
            return try encodeAnimatedPNG(pictures, delays: delays, texts: report.texts)
        } catch {
            throw .picture(error)
        }
    }

    private func show(_ frames: [GrayImage], _ report: ForwardReport, on console: Console) throws(Failure) {
        guard !daemon.json else { return try console.show(try json(report)) }
        let tiles = zip(report.pulses, frames).map { (caption: "\($0)", image: $1) }
        let isDrawn = console.outputIsTerminal || output == nil
        let picture =
            isDrawn ? terminalPicture(tiles, style: GrayStyle(of: console), columns: console.width) + "\n" : ""
        let text = banner(report.provenance, "these devices") + picture + report.summary
        try console.show(console.showsUnicode ? text : text.inASCII)
    }
}

/// An image that has dissolved.
struct ForwardReport: Encodable {
    let board: String
    @ByName var provenance: Provenance
    let healthEpoch: Int
    let image: String
    let file: String?
    let height, width: Int
    let devices: Int
    let lanes: Int
    /// The pulses before each picture.
    let pulses: [Int]
    let mediffuse: String
    let metrngd: String?

    init(
        _ verb: ForwardVerb, _ prepared: PreparedArray, readings: [Int], size: (height: Int, width: Int),
        daemonVersion: String?
    ) {
        let origin = prepared.lease.origin
        board = origin.board
        provenance = origin.provenance
        healthEpoch = origin.healthEpoch
        image = verb.image
        file = verb.output
        (height, width) = size
        devices = verb.array.devices
        lanes = prepared.lease.laneCount - prepared.calibration.leftOut.ones
        pulses = readings
        mediffuse = metrngVersion
        metrngd = daemonVersion
    }

    var texts: [PNGText] {
        var texts = [
            PNGText("Software", "mediffuse \(mediffuse)"), PNGText("Provenance", provenance.name),
            PNGText("Board", board.printable), PNGText("Health epochs", "\(healthEpoch) to \(healthEpoch)"),
            PNGText("Pulses", pulses.map(String.init).joined(separator: ", ")),
            PNGText("Devices per pixel", "\(devices)"),
        ]
        if let metrngd { texts.append(PNGText("Daemon", "metrngd \(metrngd.printable)")) }
        if !provenance.isGenuine {
            texts.append(PNGText("Warning", "SIMULATED: the devices of this picture are a model"))
        }
        return texts
    }

    var summary: String {
        let place = file.map { " in \($0.printable)" } ?? ""
        return "\(pulses.count) pictures\(place), each under its number of pulses: \(devices) devices a pixel,"
            + " \(lanes) lanes of \(board.printable)\n"
    }
}
