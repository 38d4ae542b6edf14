# SPDX-License-Identifier: Apache-2.0
"""Types of the control interface, `org.metrng.Control`, as its replies have them. scripts/make-control-types made them.

The interface describes each member: `org.metrng.Control.varlink` in Sources/Control/ControlInterface, and
`GetInterfaceDescription` of the daemon. Times are seconds since 1970, intervals and ages are in seconds.
"""

from __future__ import annotations

from typing import TypedDict


class KernelFeed(TypedDict):
    """`KernelFeed` of the interface."""

    intervalSeconds: int
    contributions: int
    bytes: int
    creditedBits: int
    lastFed: float | None
    cause: str | None
    remedy: str | None


class Client(TypedDict):
    """`Client` of the interface."""

    processId: int
    userId: int
    name: str | None
    user: str | None
    unit: str | None
    command: str | None
    since: float
    age: float
    deliveredBytes: int
    deliveredBytesPerSecond: float


class Service(TypedDict):
    """`Service` of the interface."""

    version: str
    processId: int
    startTime: float
    entropySocket: str
    controlSocket: str
    egdSocket: str | None
    clients: int
    maximumClients: int
    clientsRefused: int
    topClients: list[Client]
    lockedMemory: bool
    pendingChanges: list[str]
    kernel: KernelFeed | None


class Change(TypedDict):
    """`Change` of the interface."""

    key: str
    old: str
    new: str
    applied: bool


class LaneCounts(TypedDict):
    """`LaneCounts` of the interface."""

    starting: int
    good: int
    warned: int
    failed: int
    leased: int


class Ring(TypedDict):
    """`Ring` of the interface."""

    grade: str
    capacityBytes: int
    availableBytes: int
    deliveredBytes: int
    deliveredBytesPerSecond: float


class Alarm(TypedDict):
    """`Alarm` of the interface."""

    time: float
    lane: int | None
    test: str
    severity: str
    shot: int
    measuredEntropyPerBit: float | None


class OperatingPoint(TypedDict):
    """`OperatingPoint` of the interface."""

    amplitudeMillivolts: float
    pulseWidthPicoseconds: float
    biasFieldMicrotesla: float


class LeaseStatus(TypedDict):
    """`LeaseStatus` of the interface."""

    lanes: int
    processId: int
    userId: int
    user: str | None
    since: float
    secondsLeft: float


class BoardStatus(TypedDict):
    """`BoardStatus` of the interface."""

    name: str
    kind: str
    provenance: str
    state: str
    stateSince: float
    cause: str | None
    remedy: str | None
    serial: str
    path: str
    firmware: str
    lanes: int
    laneCounts: LaneCounts
    untrimmableLanes: int
    minimumGoodLanes: int
    healthEpoch: int
    operatingPoint: OperatingPoint | None
    encoding: str | None
    temperatureCelsius: float | None
    claimedEntropyPerBit: float
    lowestLaneEntropyPerBit: float | None
    xorFold: int
    shots: int
    shotsPerSecond: float
    rawBytesPerSecond: float
    framesAccepted: int
    framesRejected: int
    shotsDropped: int
    windowsDropped: int
    creditedBits: int
    newestBitAge: float | None
    rings: list[Ring]
    lastFailures: list[Alarm]
    lastWarning: Alarm | None
    alarms: list[AlarmCount]
    recordedFrom: str | None
    leases: list[LeaseStatus]


class BoardSummary(TypedDict):
    """`BoardSummary` of the interface."""

    name: str
    kind: str
    provenance: str
    serial: str
    path: str
    firmware: str
    lanes: int
    goodLanes: int
    state: str
    holder: str


class AlarmCount(TypedDict):
    """`AlarmCount` of the interface."""

    test: str
    count: int


class LaneReport(TypedDict):
    """`LaneReport` of the interface."""

    lane: int
    state: str
    p: float
    lagOne: float
    crossLane: float
    measuredEntropyPerBit: float | None
    bestPredictor: str | None
    trim: int
    trimState: str
    resistanceOhms: float | None
    alarms: list[AlarmCount]


class TrimLimits(TypedDict):
    """`TrimLimits` of the interface."""

    lower: int
    upper: int


class Cutoff(TypedDict):
    """`Cutoff` of the interface."""

    test: str
    warning: float
    failure: float


class BoardHealth(TypedDict):
    """`BoardHealth` of the interface."""

    name: str
    provenance: str
    state: str
    recordedFrom: str | None
    windows: int
    windowShots: int
    healthEpoch: int
    claimedEntropyPerBit: float
    monitoredShots: int
    crossLaneCorrelation: float | None
    crossLaneState: str
    trimState: str
    untrimmableLanes: int
    trimLimits: TrimLimits | None
    cutoffs: list[Cutoff]
    laneCounts: LaneCounts
    lanes: list[LaneReport]
    alarms: list[Alarm]


Range = TypedDict("Range", {"from": float, "to": float, "count": int})


class SweepPoint(TypedDict):
    """`SweepPoint` of the interface."""

    amplitudeMillivolts: float
    pulseWidthPicoseconds: float
    switching: float
    ones: float
    deviation: float
    lagOne: float


class Sweep(TypedDict):
    """`Sweep` of the interface."""

    name: str
    provenance: str
    points: list[SweepPoint]
    proposal: OperatingPoint | None
    reason: str
    holdableLanes: int | None


class Limits(TypedDict):
    """`Limits` of the interface."""

    lower: float
    upper: float


class Status(TypedDict):
    """`Status` of the interface."""

    service: Service
    boards: list[BoardStatus]
