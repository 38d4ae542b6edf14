# SPDX-License-Identifier: Apache-2.0
"""Lanes of an array for one client alone: written, pulsed and read over the socket of a lease (MEL/1).

    import metrng.control

    with metrng.control.Control() as control, control.lease(count=1024) as lease:
        lease.write(states)  # NumPy booleans, one for each lane
        lease.pulse(300)
        states = lease.read()
"""

from __future__ import annotations

import operator
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, Any, Iterable

from .errors import Error, InvalidArgument, ProtocolViolation

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    import numpy.typing as npt

_HEADER = struct.Struct("<BBHIQ")
_VERSION = 1
_WRITE, _PULSE, _READ, _TRIM, _MASK, _POINT, _RENEW = range(1, 8)
_OK, _BAD_REQUEST, _OUT_OF_RANGE = range(3)
#: Statuses that end the lease.
_ENDINGS = {
    _BAD_REQUEST: "metrngd could not read a request",
    3: "its time is over; renew it in time, or ask for more seconds",
    4: "the board has gone or failed",
    5: "metrngd is stopping",
    6: "a lane of it failed for good and is masked; take a new lease, which leaves it out",
}
#: The daemon lets 64 requests wait; this many are sent before an answer is awaited.
_IN_FLIGHT = 32


class LeaseEnded(Error, ConnectionError):
    """The lease has ended; the lanes are the daemon's again. `status` is the number in MEL/1, or None."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Lease:
    """Lanes that nobody else pulses or reads until the lease is closed, or its time is over.

    Made by `metrng.control.Control.lease`. States, masks and trims have one entry for each lane, in the order of
    `lanes`. Calls that return nothing do not wait for the board: an error is raised by a later call, at the latest by
    `read`, `trajectory` or `wait`. For one thread at a time.
    """

    def __init__(self, connection: socket.socket, facts: dict[str, Any]) -> None:
        self._socket = connection
        self._sent: deque[tuple[int, int]] = deque()
        #: Bodies of READ that were received and not returned yet.
        self._readings: list[bytes] = []
        self._tag = 0
        self._ending: LeaseEnded | None = None
        self.board: str = facts["board"]
        #: "hardware", "simulated", "replay" or "host".
        self.provenance: str = facts["provenance"]
        self.health_epoch: int = facts["healthEpoch"]
        #: The numbers of the lanes on the board.
        self.lanes: list[int] = facts["lanes"]
        #: Whether the other lanes of the board go on giving bits.
        self.stream_continues: bool = facts["streamContinues"]
        self.operating_point: dict[str, float] = facts["operatingPoint"]
        #: All that the daemon said about the lease: limits of the operating point and of trims, shots a second.
        self.facts = facts
        self._words = (len(self.lanes) + 63) // 64

    def __len__(self) -> int:
        return len(self.lanes)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the lanes back."""
        self._socket.close()
        self._sent.clear()
        if self._ending is None:
            self._ending = LeaseEnded("the lease is closed")

    # Operations

    def write(self, states: npt.ArrayLike) -> None:
        """Puts the devices that are not masked into these states."""
        self._send(_WRITE, self._packed(states, "states"))

    def pulse(self, count: int) -> None:
        """Applies `count` pulses, from 1 to 65,536, to the devices that are not masked."""
        self._send(_PULSE, struct.pack("<I", _whole(count, 1, 65_536, "pulses")))

    def read(self) -> npt.NDArray[np.bool_]:
        """Returns the states of all devices."""
        return self.trajectory([0])[0]

    def trajectory(self, pulses: Iterable[int]) -> npt.NDArray[np.bool_]:
        """Applies so many pulses and reads, for each number in turn, and returns the states [reading, lane].

        Far faster than calls of `pulse` and `read`, each of which would wait for the daemon.
        """
        import numpy as np

        self._readings.clear()
        for count in pulses:
            for start in range(0, operator.index(count), 65_536):
                self.pulse(min(count - start, 65_536))
            self._send(_READ, b"")
        self.wait()
        rows = np.frombuffer(b"".join(self._readings), dtype=np.uint8).reshape(-1, 8 * self._words)
        self._readings.clear()
        return np.unpackbits(rows, axis=1, bitorder="little")[:, : len(self.lanes)].astype(np.bool_)

    def trim(self, trims: npt.ArrayLike) -> None:
        """Sets the trim of each lane, in steps of the board; all are 0 at first."""
        import numpy as np

        values = np.asarray(trims)
        if values.shape != (len(self.lanes),) or values.dtype.kind not in "iu":
            raise InvalidArgument(f"trims are {len(self.lanes)} whole numbers, one for each lane")
        if values.size and not (-32768 <= values.min() and values.max() <= 32767):
            raise InvalidArgument("trims have 16 bits")
        self._send(_TRIM, values.astype("<i2").tobytes())

    def mask(self, masked: npt.ArrayLike) -> None:
        """Chooses lanes that are neither written nor pulsed, until the next call; none at first."""
        self._send(_MASK, self._packed(masked, "masks"))

    def set_point(self, *, amplitude: float, width: float, bias_field: float) -> None:
        """Sets the operating point of the pulses, in mV, ps and µT."""
        values = [round(1000 * value) for value in (amplitude, width, bias_field)]
        try:
            body = struct.pack("<IIi", *values)
        except struct.error as error:
            raise InvalidArgument(f"no board has a point of {amplitude} mV, {width} ps, {bias_field} µT") from error
        self._send(_POINT, body)
        self.operating_point = {
            "amplitudeMillivolts": float(amplitude),
            "pulseWidthPicoseconds": float(width),
            "biasFieldMicrotesla": float(bias_field),
        }

    def renew(self, seconds: int) -> None:
        """Makes the lease end so many seconds from now, from 1 to 3,600."""
        self._send(_RENEW, struct.pack("<I", _whole(seconds, 1, 3_600, "seconds")))

    def wait(self) -> None:
        """Returns when everything that was asked is done, and raises the first error."""
        while self._sent:
            self._receive()

    # MEL/1

    def _packed(self, states: npt.ArrayLike, name: str) -> bytes:
        import numpy as np

        values = np.asarray(states)
        if values.shape != (len(self.lanes),) or values.dtype != np.bool_:
            raise InvalidArgument(f"{name} are {len(self.lanes)} booleans, one for each lane")
        return np.packbits(values, bitorder="little").tobytes().ljust(8 * self._words, b"\0")

    def _send(self, operation: int, body: bytes) -> None:
        if self._ending is not None:
            raise self._ending
        while len(self._sent) >= _IN_FLIGHT:
            self._receive()
        self._tag += 1
        try:
            self._socket.sendall(_HEADER.pack(_VERSION, operation, 0, len(body), self._tag) + body)
        except OSError as error:
            # What the daemon said before it closed is still there to be read.
            self._sent.append((self._tag, operation))
            while True:
                self._receive(cause=error)
        self._sent.append((self._tag, operation))

    def _receive(self, cause: OSError | None = None) -> None:
        """Takes the next reply."""
        version, status, zero, length, tag = _HEADER.unpack(self._bytes(_HEADER.size, cause))
        if version != _VERSION or zero != 0 or length > 8 * self._words:
            raise self._violation(f"a reply begins with version {version}, and its body has {length} bytes")
        body = self._bytes(length, cause)
        if status in _ENDINGS:
            raise self._end(LeaseEnded(f'the lease on "{self.board}" has ended: {_ENDINGS[status]}', status))
        if not self._sent or tag != self._sent[0][0] or status not in (_OK, _OUT_OF_RANGE):
            raise self._violation(f"the status {status} answers no request")
        _, operation = self._sent.popleft()
        if status == _OUT_OF_RANGE:
            raise InvalidArgument(f'a value is beyond the limits of the board "{self.board}": {self._limits()}')
        if length != (8 * self._words if operation == _READ else 0):
            raise self._violation(f"the answer to operation {operation} has {length} bytes")
        if operation == _READ:
            self._readings.append(body)

    def _limits(self) -> str:
        return ", ".join(f"{key} {value}" for key, value in self.facts.items() if key.endswith("Limits"))

    def _bytes(self, count: int, cause: OSError | None) -> bytes:
        received = b""
        while len(received) < count:
            try:
                part = self._socket.recv(count - len(received))
            except ConnectionError:
                part = b""
            except BaseException:
                # An answer that is half read cannot be continued.
                self.close()
                raise
            if not part:
                text = f'the lease on "{self.board}" has ended: metrngd closed its socket'
                raise self._end(LeaseEnded(text)) from cause
            received += part
        return received

    def _end(self, error: LeaseEnded) -> LeaseEnded:
        self._ending = error
        self.close()
        return error

    def _violation(self, what: str) -> ProtocolViolation:
        self._end(LeaseEnded(f"the peer does not follow MEL/1: {what}"))
        return ProtocolViolation(f"the peer does not follow MEL/1: {what}")


def _whole(value: int, least: int, most: int, name: str) -> int:
    number = operator.index(value)
    if not least <= number <= most:
        raise InvalidArgument(f"{name} are from {least} to {most}, not {number}")
    return number
