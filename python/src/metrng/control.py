# SPDX-License-Identifier: Apache-2.0
"""The control plane of metrngd: the state of the boards, and operations on them.

    import metrng.control

    with metrng.control.Control() as control:
        for lane in control.health()["lanes"]:
            print(lane["lane"], lane["p"])

Anyone who can open the socket may read; only root, the daemon's user and the group metrng-admin may make changes.
"""

from __future__ import annotations

import json
import operator
import os
import socket
from typing import IO, TYPE_CHECKING, Any, Callable, Iterable, Iterator, Union, cast

from .control_types import BoardHealth, BoardSummary, Change, OperatingPoint, Range, Status, Sweep
from .errors import Error, InvalidArgument, NotGenuine, NotPermitted, ProtocolViolation, Unreachable
from .lease import Lease

if TYPE_CHECKING:
    from types import TracebackType

INTERFACE = "org.metrng.Control"
DEFAULT_PATH = "/run/metrng/control.sock"
_MAXIMUM_REPLY = 64 * 1024 * 1024

Path = Union[str, "os.PathLike[str]"]
#: (from, to, count), or one value.
RangeLike = Union["tuple[float, float, int]", float]
Progress = Callable[[int, int], None]


class ControlError(Error):
    """The daemon refused a call. `name` is the error of the interface, `parameters` has its facts."""

    def __init__(self, name: str, parameters: dict[str, Any], text: str) -> None:
        super().__init__(text)
        self.name = name
        self.parameters = parameters


class NoSuchBoard(ControlError, LookupError):
    """No board, or more than one, is meant by that name."""


class Refused(ControlError, ValueError):
    """An argument is wrong, or the board cannot do this."""


class Busy(ControlError, BlockingIOError):
    """Another operation is in progress on the board."""


class ChangeNotPermitted(ControlError, NotPermitted):
    """This user may read, but not make changes."""


class OperationFailed(ControlError, RuntimeError):
    """The board failed, or the file could not be written."""


_ERRORS: dict[str, tuple[type[ControlError], str]] = {
    "NoSuchBoard": (NoSuchBoard, 'there is no board "{board}"; the boards are: {boards}'),
    "AmbiguousBoard": (NoSuchBoard, 'several boards have the serial "{board}"; use a name: {boards}'),
    "NotPermitted": (ChangeNotPermitted, "changes are for root, the daemon's user and the group metrng-admin"),
    "NotSimulated": (Refused, '"{board}" is no simulated board, and only those accept faults'),
    "NotTunable": (Refused, 'the board "{board}" has no operating point to set'),
    "NoSuchPreset": (Refused, 'no preset "{preset}" suits the board "{board}"; its presets are: {presets}'),
    "OutOfRange": (Refused, "{quantity} must lie between {minimum} and {maximum}, not {value}"),
    "Busy": (Busy, 'another operation is in progress on "{board}"; try again when it has ended'),
    "TooManyWatches": (Refused, "this user watches on {limit} connections, as many as allowed; close one"),
    "BoardFailed": (OperationFailed, 'the board "{board}" is not open, or failed: {cause}'),
    "BadFault": (Refused, "{reason}; docs/faults.md lists the faults"),
    "NotLeasable": (Refused, 'lanes of the board "{board}" cannot be leased: {cause}'),
    "NotEnoughLanes": (Busy, '"{board}" has {available} lanes to lease, not {wanted}; ask for fewer, or wait'),
    "LanesTaken": (Busy, 'lanes of "{board}" are in another lease, or not good: {lanes}; `mectl status` shows leases'),
    "NoDescriptor": (OperationFailed, "the daemon received no file; use a local file"),
    "RecordingFailed": (OperationFailed, "the file could not be written: {cause}"),
    "ConfigurationRefused": (Refused, "the configuration was not applied: {problems}"),
    "InvalidParameter": (Refused, "the parameter {parameter} is missing, out of range or of the wrong type"),
}


def _error(name: str, parameters: dict[str, Any]) -> ControlError:
    kind, text = _ERRORS.get(name.rpartition(".")[2], (ControlError, f"the daemon answered {name}"))
    facts = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in parameters.items()}
    try:
        return kind(name, parameters, text.format(**facts))
    except KeyError:
        return kind(name, parameters, f"the daemon answered {name}: {parameters}")


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except PermissionError as error:
        connection.close()
        raise NotPermitted(f"{path}: {error.strerror}; ask to be added to the group of the socket") from error
    except OSError as error:
        connection.close()
        raise Unreachable(f"{path}: {error.strerror}; is metrngd running?") from error
    return connection


class Control:
    """A connection to the control socket; one call at a time.

    `path` is METRNG_CONTROL of the environment, or /run/metrng/control.sock. `board` is a name or a serial number in
    all methods, and may be left out when there is one board. An operation ends when its caller is interrupted: the
    connection is closed, and the next call makes another.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = os.fspath(path) if path is not None else os.environ.get("METRNG_CONTROL") or DEFAULT_PATH
        self._socket: socket.socket | None = None
        self._received = b""
        # Those that came with replies, and that nobody has taken.
        self._descriptors: list[int] = []

    def __enter__(self) -> Control:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection, which ends an operation in progress."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._received = b""
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    # Varlink

    def _receive(self) -> dict[str, Any]:
        assert self._socket is not None
        while b"\0" not in self._received:
            part, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 1, socket.MSG_CMSG_CLOEXEC)
            self._descriptors += descriptors
            if not part:
                raise Unreachable(f"{self.path}: the daemon closed the connection; is metrngd stopping?")
            self._received += part
            if len(self._received) > _MAXIMUM_REPLY:
                raise ProtocolViolation(f"{self.path}: the reply does not end; is this the socket of metrngd?")
        message, _, self._received = self._received.partition(b"\0")
        try:
            reply = json.loads(message)
        except ValueError as error:
            raise ProtocolViolation(f"{self.path}: the reply is no JSON; is this the socket of metrngd?") from error
        if not isinstance(reply, dict) or not isinstance(reply.get("parameters", {}), dict):
            raise ProtocolViolation(f"{self.path}: the reply is no Varlink; is this the socket of metrngd?")
        return reply

    def replies(
        self,
        method: str,
        parameters: dict[str, Any] | None = None,
        *,
        more: bool = False,
        descriptor: int | None = None,
        interface: str = INTERFACE,
    ) -> Iterator[dict[str, Any]]:
        """Calls any method of the service and yields the parameters of its replies, several with `more`.

        Parameters that are None are left out. Closes the connection when the replies are not all taken.
        """
        given = {key: value for key, value in (parameters or {}).items() if value is not None}
        call = {"method": f"{interface}.{method}", "parameters": given, **({"more": True} if more else {})}
        complete = False
        self._close_descriptors()
        try:
            if self._socket is None:
                self._socket = _connect(self.path)
            message = json.dumps(call).encode() + b"\0"
            sent = socket.send_fds(self._socket, [message], [] if descriptor is None else [descriptor])
            self._socket.sendall(message[sent:])
            while not complete:
                reply = self._receive()
                if "error" in reply:
                    complete = True
                    raise _error(str(reply["error"]), reply.get("parameters", {}))
                complete = not reply.get("continues", False)
                yield reply.get("parameters", {})
        except BrokenPipeError as error:
            raise Unreachable(f"{self.path}: the daemon closed the connection; is metrngd stopping?") from error
        finally:
            if not complete:
                self.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of `org.metrng.Control` that replies once."""
        reply: dict[str, Any] = {}
        for reply in self.replies(method, parameters):
            pass
        return reply

    # Reading

    def status(self, board: str | None = None) -> Status:
        """Returns the state of the daemon and of one board or of all."""
        return cast(Status, self.call("GetStatus", board=board))

    def watch(self, board: str | None = None, interval: float = 1.0) -> Iterator[Status]:
        """Yields the status every `interval` seconds, until the caller stops."""
        parameters = {"board": board, "intervalSeconds": float(interval)}
        return cast("Iterator[Status]", self.replies("Watch", parameters, more=True))

    def boards(self) -> list[BoardSummary]:
        """Returns all boards."""
        return self.call("ListBoards")["boards"]

    def health(self, board: str | None = None) -> BoardHealth:
        """Returns the health of a board, with all of its lanes."""
        return self.call("GetHealth", board=board)["health"]

    def configuration(self) -> str:
        """Returns the configuration in force, as YAML."""
        return self.call("GetConfig")["yaml"]

    def metrics(self) -> str:
        """Returns metrics in the text format of Prometheus."""
        return self.call("GetMetrics")["text"]

    # Changes

    def reload(self) -> list[Change]:
        """Makes the daemon read its configuration again, and returns what differs."""
        return self.call("Reload")["changes"]

    def set(
        self,
        board: str | None = None,
        *,
        amplitude: float | None = None,
        width: float | None = None,
        bias_field: float | None = None,
        preset: str | None = None,
    ) -> OperatingPoint:
        """Sets the operating point, in mV, ps and µT, and returns it. Values left out stay, or are the preset's."""
        if all(value is None for value in (amplitude, width, bias_field, preset)):
            raise InvalidArgument("give an amplitude, a width, a bias field or a preset")
        return self.call(
            "SetOperatingPoint",
            board=board,
            amplitudeMillivolts=None if amplitude is None else float(amplitude),
            pulseWidthPicoseconds=None if width is None else float(width),
            biasFieldMicrotesla=None if bias_field is None else float(bias_field),
            preset=preset,
        )["operatingPoint"]

    def calibrate(
        self,
        board: str | None = None,
        *,
        amplitudes: RangeLike | None = None,
        widths: RangeLike | None = None,
        shots: int = 20_000,
        progress: Progress | None = None,
    ) -> Sweep:
        """Measures every width (ps) at every amplitude (mV); nothing is served meanwhile.

        A range is (from, to, count) or one value; without it the present value is kept. `shots` are those of a point.
        """
        parameters = {
            "board": board,
            "amplitudes": _range(amplitudes),
            "widths": _range(widths),
            "shotsPerPoint": operator.index(shots),
        }
        sweep: Sweep | None = None
        for reply in self.replies("Calibrate", parameters, more=True):
            sweep = reply.get("sweep")
            if progress is not None:
                progress(reply["pointsDone"], reply["pointsTotal"])
        if sweep is None:
            raise ProtocolViolation(f"{self.path}: the last reply has no sweep; is this the socket of metrngd?")
        return sweep

    def record(
        self,
        file: Path | IO[bytes],
        shots: int,
        board: str | None = None,
        *,
        restarts: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Records frames of a board into a new file, or an empty open one, and returns the size in bytes.

        The file of a recording that fails is removed if it was made here. Read it with `metrng.load_recording`.
        """
        if not isinstance(file, (str, os.PathLike)):
            return self._record(file.fileno(), shots, board, restarts, progress)
        with open(file, "xb") as new:
            try:
                return self._record(new.fileno(), shots, board, restarts, progress)
            except BaseException:
                os.unlink(file)
                raise

    def _record(
        self, descriptor: int, shots: int, board: str | None, restarts: int | None, progress: Progress | None
    ) -> int:
        parameters = {"board": board, "shots": operator.index(shots), "restarts": restarts}
        size = 0
        for reply in self.replies("Record", parameters, more=True, descriptor=descriptor):
            size = reply.get("bytes", 0)
            if progress is not None:
                progress(reply["shotsDone"], reply["shotsTotal"])
        return size

    def lease(
        self,
        board: str | None = None,
        *,
        lanes: Iterable[int] | None = None,
        count: int | None = None,
        seconds: int = 60,
        operating_point: OperatingPoint | None = None,
        allow_simulated: bool = False,
    ) -> Lease:
        """Takes lanes of a board for this client alone: these `lanes`, so many, or all that are good.

        The lease lasts `seconds`, from 1 to 3,600, and so long again after each `renew`. Without an `operating_point`
        its pulses are weak ones, if the board has a point for them. Anything but hardware needs `allow_simulated`.
        """
        if lanes is not None and count is not None:
            raise InvalidArgument("give lanes or a count, not both")
        parameters = {
            "board": board,
            "lanes": None if lanes is None else [operator.index(lane) for lane in lanes],
            "count": None if count is None else operator.index(count),
            "seconds": operator.index(seconds),
            "operatingPoint": operating_point,
        }
        reply: dict[str, Any] = {}
        for reply in self.replies("Lease", parameters):
            pass
        if len(self._descriptors) != 1:
            self._close_descriptors()
            raise ProtocolViolation(f"{self.path}: the reply brings no socket; is this the socket of metrngd?")
        connection = socket.socket(fileno=self._descriptors.pop())
        try:
            connection.setblocking(True)
            lease = Lease(connection, reply)
        except (KeyError, TypeError) as error:
            connection.close()
            raise ProtocolViolation(f"{self.path}: the reply to Lease lacks {error}") from error
        except BaseException:
            connection.close()
            raise
        if lease.provenance != "hardware" and not allow_simulated:
            lease.close()
            raise NotGenuine(f'the board "{lease.board}" is of provenance {lease.provenance} (allow_simulated=True)')
        return lease

    def inject(
        self,
        fault: str,
        lanes: Iterable[int] | None = None,
        board: str | None = None,
        *,
        after: int | None = None,
        shots: int | None = None,
    ) -> None:
        """Makes a simulated board fail, `after` shots from now, for so many `shots`; "none" ends all faults."""
        self.call(
            "InjectFault",
            board=board,
            fault=fault,
            lanes=None if lanes is None else list(lanes),
            afterShots=after,
            forShots=shots,
        )


def _range(values: RangeLike | None) -> Range | None:
    if values is None:
        return None
    if not isinstance(values, (tuple, list)):
        values = (values, values, 1)
    if len(values) != 3:
        raise InvalidArgument(f"a range is (from, to, count) or one value, not {values!r}")
    first, last, count = values
    return {"from": float(first), "to": float(last), "count": int(count)}
