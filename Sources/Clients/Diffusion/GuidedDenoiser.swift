// SPDX-License-Identifier: Apache-2.0

/// A denoiser with classifier-free guidance (Ho and Salimans 2022).
struct GuidedDenoiser {
    let denoiser: any Denoiser
    /// w in (1 + w)·x̂(label) − w·x̂(none).
    let guidance: Double

    /// Predicts clean images, clamped to [−1, 1]. With no label in `labels`, or a guidance of 0, the model is asked once.
    func predict(_ noisy: [Float], signalShare: Double, labels: [Int?]) throws(DiffusionError) -> [Float] {
        var clean = [Float](repeating: 0, count: noisy.count)
        do {
            try denoiser.predict(noisy: noisy, signalShare: signalShare, labels: labels, into: &clean)
            if guidance != 0, labels.contains(where: { $0 != nil }) {
                var unlabelled = clean
                let none = [Int?](repeating: nil, count: labels.count)
                try denoiser.predict(noisy: noisy, signalShare: signalShare, labels: none, into: &unlabelled)
                let weight = Float(guidance)
                for index in clean.indices {
                    clean[index] += weight * (clean[index] - unlabelled[index])
                }
            }
        } catch {
            throw .denoiser(error)
        }
        for index in clean.indices {
            // Written so that a value that is no number becomes 0.
            clean[index] = clean[index] > 0 ? min(clean[index], 1) : clean[index] < 0 ? max(clean[index], -1) : 0
        }
        return clean
    }
}
