// SPDX-License-Identifier: Apache-2.0

import Diffusion
import EntropyTerms
import MediffuseCommands

/// Opens a model by its name or the path of its file; nil for the usual one.
func openDenoiser(_ name: String?) throws(Failure) -> any Denoiser {
    throw .model("there is no model \((name ?? "digits").printable): this build has no networks")
}
