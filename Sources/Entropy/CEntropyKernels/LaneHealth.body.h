// SPDX-License-Identifier: Apache-2.0

#include "Columns.body.h"

// Over columns.
#include "LaneCounts.body.h"

// Over counts.
#include "LaneComparison.body.h"
#include "LaneRuns.body.h"
