// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Diffusion
import EntropyClient
import EntropyTerms
import PNGFiles
import Varlink

/// Images that were made.
struct SampleReport: Encodable {
    struct Epochs: Encodable {
        var first, last: Int
    }

    let shape: ImageShape
    let provenance: Provenance?
    let images: Int
    let file: String?
    let sampler: SamplerChoice
    let steps: Int
    let guidance: Double
    let schedule: ScheduleChoice
    let digit: Int?
    let model: String?
    let boards: [String]
    let epochs: Epochs?
    let daemonVersion: String?
    let waitedSeconds: Double

    init(
        _ verb: SampleVerb, images: Int, shape: ImageShape, sampler: any ImageSampler, source: EntropySource,
        array: ArrayLease?, daemon: (boards: [String], version: String)?
    ) {
        let origin = source.origin
        let ofArray = array?.origin
        self.shape = shape
        // What is not genuine decides.
        let provenances = [ofArray?.provenance, origin?.provenance].compactMap { $0 }
        provenance = provenances.first { !$0.isGenuine } ?? provenances.first
        self.images = images
        file = verb.output
        self.sampler = verb.sampler
        steps = sampler.stepCount
        guidance = verb.guidance
        schedule = verb.schedule
        digit = verb.digit
        model = verb.model
        boards = ofArray.map { [$0.board] } ?? daemon?.boards ?? []
        let all = [
            origin.map { Int($0.firstHealthEpoch) }, origin.map { Int($0.lastHealthEpoch) }, ofArray?.healthEpoch,
        ]
        .compactMap { $0 }
        epochs = all.min().flatMap { first in all.max().map { Epochs(first: first, last: $0) } }
        daemonVersion = daemon?.version
        waitedSeconds = Double(source.waitedNanoseconds) / 1e9
    }

    private enum CodingKeys: CodingKey {
        case boards, digit, epochs, file, guidance, height, images, mediffuse, metrngd, model, provenance, sampler
        case schedule, steps, waitedSeconds, width
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(boards, forKey: .boards)
        try container.encode(digit, forKey: .digit)
        try container.encode(epochs, forKey: .epochs)
        try container.encode(file, forKey: .file)
        try container.encode(guidance, forKey: .guidance)
        try container.encode(shape.height, forKey: .height)
        try container.encode(images, forKey: .images)
        try container.encode(metrngVersion, forKey: .mediffuse)
        try container.encode(daemonVersion, forKey: .metrngd)
        try container.encode(model, forKey: .model)
        try container.encode(provenance?.name, forKey: .provenance)
        try container.encode(sampler, forKey: .sampler)
        try container.encode(schedule.rawValue, forKey: .schedule)
        try container.encode(steps, forKey: .steps)
        try container.encode(waitedSeconds, forKey: .waitedSeconds)
        try container.encode(shape.width, forKey: .width)
    }

    /// What the picture says about itself.
    var texts: [PNGText] {
        var texts = [
            PNGText("Software", "mediffuse \(metrngVersion)"),
            PNGText("Provenance", provenance?.name ?? "unknown"),
            PNGText("Sampler", "\(sampler.rawValue), \(steps) steps, \(schedule.rawValue), guidance \(guidance)"),
            PNGText("Model", model ?? "default"),
        ]
        if let digit { texts.append(PNGText("Digit", "\(digit)")) }
        if !boards.isEmpty { texts.append(PNGText("Board", boards.map(\.printable).joined(separator: ", "))) }
        if let epochs { texts.append(PNGText("Health epochs", "\(epochs.first) to \(epochs.last)")) }
        if let daemonVersion { texts.append(PNGText("Daemon", "metrngd \(daemonVersion.printable)")) }
        if provenance.map({ !$0.isGenuine }) ?? false {
            texts.append(
                PNGText("Warning", "SIMULATED OR REPLAYED: the noise of this picture is not that of an array"))
        }
        return texts
    }

    var summary: String {
        let what = digit.map { images == 1 ? "1 image of the digit \($0)" : "\(images) images of the digit \($0)" }
        let place = file.map { " in \($0.printable)" } ?? ""
        return (what ?? (images == 1 ? "1 image" : "\(images) images"))
            + " of \(shape.width) × \(shape.height) pixels\(place): \(sampler.rawValue), \(steps) steps, guidance"
            + " \(guidance)\n"
    }
}

/// A report as JSON, in one line.
func json(_ report: some Encodable) throws(Failure) -> String {
    do {
        return String(decoding: try encodeJSON(report), as: UTF8.self).escapedJSON + "\n"
    } catch {
        throw .unfit("the report cannot be written as JSON")
    }
}

extension String {
    /// The text for a terminal that shows ASCII only.
    var inASCII: String {
        let replacements: [Character: String] = ["—": "-", "×": "x", "µ": "u", "±": "+-", "√": "sqrt"]
        return map { character in
            character.isASCII ? String(character) : replacements[character] ?? "?"
        }.joined()
    }
}
