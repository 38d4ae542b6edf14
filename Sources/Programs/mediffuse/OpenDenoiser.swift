// SPDX-License-Identifier: Apache-2.0

import DenoisingNetworks
import Diffusion
import MediffuseCommands

/// The model of those who name none.
private let usualModel = "digits28-ehrenfest-1"

/// Opens a model by its name, which is that of a file of the folder of models without its ending, or by the path of its
/// file; nil for the usual one.
func openDenoiser(_ name: String?) throws(Failure) -> any Denoiser {
    let name = name ?? usualModel
    let path = name.contains("/") || name.hasSuffix(".safetensors") ? name : ModelFolder.file(name)
    do throws(ModelError) {
        return try NetworkDenoiser(path: path)
    } catch {
        throw .model(error.description)
    }
}
