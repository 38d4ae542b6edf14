// SPDX-License-Identifier: Apache-2.0

import BoardProtocol
import Conditioning
import DaemonConfiguration
import EntropyPipeline
import EntropyRing
import EntropyTerms
import LinuxPlatform
import OperatingPointControl

/// One board of the configuration with its rings and its pipeline, running.
struct BoardUnit: Sendable {
    let settings: BoardSettings
    let pipeline: EntropyPipeline
    let clock: Clock

    var source: EntropySource { pipeline.source }

    /// The parts of the daemon that all units share.
    struct Dependencies {
        let daemon: DaemonSettings
        let bitsArrived: Wakeup
        let events: EventQueue
        var clock = Clock.system
    }

    /// Makes the rings and starts the pipeline.
    ///
    /// - Parameter locked: whether memory with bits must be kept from swap.
    init(
        _ settings: BoardSettings, locked: Bool, _ dependencies: Dependencies
    ) throws(SystemError) {
        self.settings = settings
        clock = dependencies.clock
        let rings = dependencies.daemon.rings.holdingTwoWindows(of: settings.mostLanes)
        let source = try EntropySource(
            name: settings.name, provenance: settings.provenance,
            channels: [
                EntropyChannel(.raw, capacity: rings.rawBytes, locked: locked),
                EntropyChannel(.full, capacity: rings.fullBytes, locked: locked),
            ],
            bitsArrived: dependencies.bitsArrived)
        let health = dependencies.daemon.health
        let events = dependencies.events
        pipeline = EntropyPipeline(
            board: try settings.makeBoard(among: dependencies.daemon.boards, locked: locked),
            source: source,
            settings: PipelineSettings(
                claimedEntropyPerBit: health.claimedEntropyPerBit,
                startUpWindows: health.startUpWindows,
                minimumGoodLanesPercent: health.minimumGoodLanesPercent, locksMemory: locked,
                fold: LaneFold(parts: settings.xorFold), trim: settings.trimSettings),
            clock: dependencies.clock
        ) { events.add(EventQueue.Entry(board: settings.name, event: $0)) }
        try pipeline.start()
    }
}

extension RingSettings {
    /// These sizes, enlarged where two windows of the lanes would not fit: 2,048 bits per lane.
    fileprivate func holdingTwoWindows(of lanes: Int) -> RingSettings {
        var least = 1
        while least < 2048 / 8 * lanes { least *= 2 }
        var rings = self
        rings.rawBytes = max(rawBytes, least)
        rings.fullBytes = max(fullBytes, least)
        return rings
    }
}

extension BoardSettings {
    /// As many lanes as the board may have: some say how many only when they are opened.
    fileprivate var mostLanes: Int {
        kind.hasLanesSetting ? lanes : BoardDescription.laneLimits.upperBound
    }

    /// Nil to leave the lanes alone.
    fileprivate var trimSettings: TrimSettings? {
        trim.hold
            ? TrimSettings(driftDeviation: trim.driftDeviation, driftSeconds: trim.driftSeconds)
            : nil
    }
}
