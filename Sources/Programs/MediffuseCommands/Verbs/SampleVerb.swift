// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlInterface
import Diffusion
import EntropyClient
import EntropyTerms
import PNGFiles
import Varlink

/// How `mediffuse sample` goes back.
enum SamplerChoice: String, ExpressibleByArgument, CaseIterable, Codable {
    /// The exact reverse of the array's process, with coins of random bits.
    case reverse
    case ddpm
    case ddim
    /// The same as `reverse`, with the pulses of the array for coins.
    case inArray = "in-array"
}

/// How the signal fades.
enum ScheduleChoice: String, ExpressibleByArgument, CaseIterable {
    case cosine
    case linear

    var kind: DiffusionSchedule.Kind {
        switch self {
        case .cosine: .cosine
        case .linear: .linear
        }
    }
}

struct SampleVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Make images from noise.",
        discussion: """
            The images are drawn in the terminal, and written to the --output: a grid as PNG, or all images as uint8 \
            [count, height, width] for NumPy. The sampler reverse uses the laws of the array's own process and random \
            bits; in-array has the devices flip themselves, which takes longer; ddpm and ddim use normal noise.
            """)

    /// The number of images that are made at once.
    static let batch = 512
    private static let counts = 1...100_000
    private static let mostInArray = 256
    private static let guidances = 0.0...20.0
    /// The images that a terminal shows.
    private static let shown = 20

    @Option(parsing: .unconditional, help: "The digit to show (default: all in turn).")
    var digit: Int?

    @Option(parsing: .unconditional, help: "Number of images.")
    var count = 10

    @Option(help: ArgumentHelp("A model: a name, or a file of weights (default: the usual one).", valueName: "name"))
    var model: String?

    @Option(parsing: .unconditional, help: "How much the digit is exaggerated; 0 for not at all.")
    var guidance = 0.5

    @Option(help: "The way back: reverse, ddpm, ddim or in-array.")
    var sampler = SamplerChoice.reverse

    @Option(parsing: .unconditional, help: "Number of steps of the schedule.")
    var steps = 50

    @Option(help: "How the signal fades: cosine or linear.")
    var schedule = ScheduleChoice.cosine

    @Option(help: ArgumentHelp("A file that does not exist: .png or .npy.", valueName: "file"))
    var output: String?

    @Option(help: "With in-array: a board, by name or serial. Not needed when there is only one.")
    var board: String?

    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        guard Self.counts.contains(count) else { throw ValidationError("--count takes a number from 1 to 100,000") }
        guard Self.guidances.contains(guidance) else { throw ValidationError("--guidance takes a number from 0 to 20") }
        guard (2...1_000).contains(steps) else { throw ValidationError("--steps takes a number from 2 to 1,000") }
        if let output, !output.hasSuffix(".png"), !output.hasSuffix(".npy") {
            throw ValidationError("--output takes a file whose name ends in .png or .npy")
        }
        if sampler == .inArray, count > Self.mostInArray {
            throw ValidationError("--sampler in-array makes at most \(Self.mostInArray) images")
        }
        if board != nil, sampler != .inArray { throw ValidationError("--board is for --sampler in-array") }
        if let digit, digit < 0 { throw ValidationError("--digit takes a number from 0") }
    }

    func perform(on bench: Workbench) throws(Failure) {
        let console = bench.console
        // The work may be long, so the file is made first.
        let file = try output.map { (path) throws(Failure) in try WholeFile(path) }
        let denoiser = try bench.openDenoiser(model)
        let labels = try labels(for: denoiser)
        let source = try daemon.bits(console)
        let progress = ProgressBar(on: console)
        if sampler == .inArray {
            let devices = count * denoiser.shape.pixels * ThermometerCode().devices
            try DiffusionError.failing { () throws(DiffusionError) in
                // At each step, two bits for the pulses of a device, and about a dozen for its place.
                try source.drawAhead(words: (steps + 1) * devices * 18 / 64 + 8_192)
            }
        }
        let bits = RandomBits(source)
        let (sampler, array) = try makeSampler(denoiser, bits, progress, console)
        let images = try sample(labels, with: sampler, progress)
        let report = SampleReport(
            self, images: images.count, shape: denoiser.shape, sampler: sampler, source: source, array: array,
            daemon: daemon.daemon(console))
        try file?.finish(try content(images, labels, report, path: output ?? ""))
        try show(images, labels, report, on: console)
    }

    /// What each image is to show.
    private func labels(for denoiser: any Denoiser) throws(Failure) -> [Int?] {
        let known = denoiser.labelCount
        if let digit {
            guard digit < known else {
                throw .unfit(
                    known == 0
                        ? "the model knows no digits" : "the model knows the digits 0 to \(known - 1), not \(digit)")
            }
            return Array(repeating: digit, count: count)
        }
        return (0..<count).map { known > 0 ? $0 % known : nil }
    }

    /// The sampler, and the array that it uses.
    private func makeSampler(
        _ denoiser: any Denoiser, _ bits: RandomBits, _ progress: ProgressBar, _ console: Console
    ) throws(Failure) -> (any ImageSampler, ArrayLease?) {
        let code = ThermometerCode()
        let prepared = try sampler == .inArray ? prepare(code, progress, console) : nil
        // Without an array, the law of an ideal one: symmetric devices that a pulse flips with 1 %.
        let curve = prepared?.calibration.curve ?? FlipCurve(flipProbability: 0.01)
        return try DiffusionError.failing { () throws(DiffusionError) in
            let schedule = try DiffusionSchedule(schedule.kind, steps: steps, code: code, curve: curve)
            guard let prepared else {
                return (ideal(denoiser, schedule, bits), nil)
            }
            let sampler = try ArraySampler(
                array: prepared.lease, calibration: prepared.calibration, denoiser: denoiser, schedule: schedule,
                guidance: guidance, bits: bits)
            return (sampler, prepared.lease)
        }
    }

    private func ideal(
        _ denoiser: any Denoiser, _ schedule: DiffusionSchedule, _ bits: RandomBits
    ) -> any ImageSampler {
        switch sampler {
        case .ddpm:
            GaussianSampler(.ddpm, denoiser: denoiser, schedule: schedule, guidance: guidance, bits: bits)
        case .ddim:
            GaussianSampler(.ddim, denoiser: denoiser, schedule: schedule, guidance: guidance, bits: bits)
        case .reverse, .inArray:
            EhrenfestSampler(denoiser: denoiser, schedule: schedule, guidance: guidance, bits: bits)
        }
    }

    private func prepare(
        _ code: ThermometerCode, _ progress: ProgressBar, _ console: Console
    ) throws(Failure) -> PreparedArray {
        let shares = DiffusionSchedule.signalShares(schedule.kind, steps: steps)
        let end = code.correlation(signalShare: shares[steps - 1])
        return try PreparedArray(
            try daemon.lease(board, count: nil, console), .init(endCorrelation: end), progress)
    }

    private func sample(
        _ labels: [Int?], with sampler: any ImageSampler, _ progress: ProgressBar
    ) throws(Failure) -> [GrayImages.Image] {
        defer { progress.clear() }
        var images: [GrayImages.Image] = []
        let batches = stride(from: 0, to: labels.count, by: Self.batch)
        let total = (labels.count + Self.batch - 1) / Self.batch * sampler.stepCount
        for start in batches {
            let part = Array(labels[start..<min(start + Self.batch, labels.count)])
            let levels = try DiffusionError.failing { () throws(DiffusionError) in
                try sampler.sample(
                    labels: part,
                    progress: progress.handler(
                        "sampling", unit: "steps", from: start / Self.batch * sampler.stepCount, of: total))
            }
            let pixels = levels.count / part.count
            images += (0..<part.count).map { bytes(ofLevels: levels[$0 * pixels..<($0 + 1) * pixels]) }
        }
        return images
    }

    /// Few images are shown large, many small.
    private static func scale(of images: [GrayImage]) -> Int {
        switch images.count {
        case ...20: pictureScale(images[0])
        case ...400: min(4, pictureScale(images[0]))
        default: 1
        }
    }

    private func content(
        _ images: [GrayImages.Image], _ labels: [Int?], _ report: SampleReport, path: String
    ) throws(Failure) -> [UInt8] {
        let shape = report.shape
        guard path.hasSuffix(".png") else {
            return numPyFile(images.flatMap { $0 }, shape: [images.count, shape.height, shape.width])
        }
        let all = GrayImages(images, shape).all
        let columns = images.count <= 10 ? images.count : max(10, Int(Double(images.count).squareRoot().rounded(.up)))
        do {
            return try encodePNG(
                grid(all, columns: columns, scale: Self.scale(of: all)),
                texts: report.texts)
        } catch {
            throw .picture(error)
        }
    }

    private func show(
        _ images: [GrayImages.Image], _ labels: [Int?], _ report: SampleReport, on console: Console
    ) throws(Failure) {
        guard !daemon.json else { return try console.show(try json(report)) }
        let tiles = zip(labels, GrayImages(images, report.shape).all).prefix(Self.shown).map { label, image in
            (caption: label.map(String.init) ?? "", image: image)
        }
        // In a file, pictures of characters are of no use beside those that were written.
        let isDrawn = console.outputIsTerminal || output == nil
        let picture =
            isDrawn ? terminalPicture(tiles, style: GrayStyle(of: console), columns: console.width) + "\n" : ""
        let rest = isDrawn && images.count > tiles.count ? "The first \(tiles.count) are shown.\n" : ""
        let text = banner(report.provenance, "these images") + picture + rest + report.summary
        try console.show(console.showsUnicode ? text : text.inASCII)
    }
}

/// Images of one shape as bytes.
struct GrayImages {
    typealias Image = [UInt8]
    let all: [GrayImage]

    init(_ images: [Image], _ shape: ImageShape) {
        all = images.map { GrayImage(height: shape.height, width: shape.width, pixels: $0) }
    }
}
