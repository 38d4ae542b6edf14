// SPDX-License-Identifier: Apache-2.0

import BoardOperations
import EntropyPipeline
import LinuxPlatform
import PlaneTestSupport
import Synchronization
import Testing

@Suite("What a pipeline tells others without holding a lock: alarms, and jobs that a stop fails")
struct PipelineLockTests {
    @Test("a listener of alarms may ask for the status: no lock is held")
    func alarmsWithoutLock() async {
        await #expect(processExitsWith: .success) {
            let asked = Mutex<EntropyPipeline?>(nil)
            let alarms = Mutex(0)
            let rig = try TurnRig { event in
                guard case .alarm = event, let pipeline = asked.withLock({ $0 }) else { return }
                let count = pipeline.status().alarms.count
                alarms.withLock { $0 = max($0, count) }
            }
            asked.withLock { $0 = rig.pipeline }
            var maker = WindowMaker(lanes: 64)
            rig.send(maker.windows(4) + maker.windows(1, stuck: [7]))
            try rig.loop.open()
            _ = rig.takeTurns()
            precondition(alarms.withLock { $0 } > 0, "there was an alarm")
            rig.stop()
            // The pipeline holds its listener.
            asked.withLock { $0 = nil }
        }
    }

    @Test("a listener of a job that a stop fails may begin another: no lock is held")
    func stopWithoutLock() async {
        await #expect(processExitsWith: .success) {
            let rig = try TurnRig()
            try rig.loop.open()
            let pipeline = rig.pipeline
            let point = Calibrate(amplitudes: nil, widths: nil, shotsPerPoint: 1024)
            let job = pipeline.begin(point)
            let hasFailed = Mutex(false)
            job?.changed.listen {
                if case .failed? = pipeline.begin(point)?.state { hasFailed.withLock { $0 = true } }
            }
            rig.stop()
            precondition(hasFailed.withLock { $0 }, "so has the other")
        }
    }
}
