// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import ControlInterface
import EntropyTerms
import OperatingPointControl

/// The points of a sweep, one a line below the names of the columns, as RFC 4180 has it but for the ends
/// of lines. Each says where its bits are from, so that no line can be taken for what it is not.
func sweepCSV(_ sweep: SweepReport) -> String {
    let rows = sweep.points.map { point in
        [
            point.amplitudeMillivolts, point.pulseWidthPicoseconds, point.switching, point.ones,
            point.deviation, point.lagOne,
        ].map { "\($0)" } + [sweep.provenance.name]
    }
    let header = [
        "amplitude_mV", "width_ps", "switching", "ones", "deviation", "lag_one", "provenance",
    ]
    return ([header] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
}
