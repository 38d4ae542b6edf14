// SPDX-License-Identifier: Apache-2.0

import EntropyClient

let source = try NoiseSource(allowsSimulated: true)
var noise = [Float](repeating: 0, count: 4096)
try source.fillNormal(&noise)
