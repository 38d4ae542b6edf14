# SPDX-License-Identifier: Apache-2.0
"""Recordings of boards, made by `mectl record` or `metrng.control`, as NumPy arrays."""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Any, Iterable, Iterator, NamedTuple

from . import _native
from .errors import RecordingFailed

if TYPE_CHECKING:
    import numpy

_FIRST_LINE = b"metrng-recording 1\n"
_CONTEXT_LIMIT = 64 * 1024
_PAYLOAD_LIMIT = 1024 * 1024
#: magic, version, flags, words, sequence, shots, first shot, temperature, masked, dropped, payload bytes, checksum
_HEADER = struct.Struct("<4sBBHIIQhHIII")
_PATTERN, _TOGGLES, _KNOWN_FLAGS = 1, 2, 15


class Frame(NamedTuple):
    """A frame of a recording: its shots as rows of little-endian 64-bit words, and what was lost before it.

    `restart` counts the starts of the board from 0, `first_shot` the shots since that start.
    """

    words: numpy.ndarray
    restart: int
    first_shot: int
    dropped_before: int
    temperature: float


class Recording:
    """A recording: `context` is what it says about the board and the operating point (docs/protocols.md)."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        with open(path, "rb") as file:
            self.context = self._read_context(file)
            self._start = file.tell()
        self.lanes = int(self.context["lanes"])
        self.restarts = int(self.context["restarts"])
        self.shots_per_restart = int(self.context["shotsPerRestart"])

    def _failure(self, cause: str) -> RecordingFailed:
        return RecordingFailed(f"{self.path}: {cause}")

    def _read_context(self, file: Any) -> dict[str, Any]:
        if file.read(len(_FIRST_LINE)) != _FIRST_LINE:
            raise self._failure('this is no recording of metrngd: make one with "mectl record"')
        line = file.readline(_CONTEXT_LIMIT)
        try:
            described = json.loads(line)
            context, checksum = described["context"], int(described["crc32c"], 16)
            text = line[line.index(b'"context":') + 10 : line.index(b',"crc32c"', line.index(b"}"))]
        except (ValueError, KeyError, TypeError) as error:
            raise self._failure(f"the context in the second line is damaged: {error}") from error
        if _native.crc32c(text) != checksum:
            raise self._failure("the context in the second line does not match its checksum")
        lanes = context.get("lanes")
        if not isinstance(lanes, int) or lanes % 64 or not 64 <= lanes <= 4096:
            raise self._failure(f"the number of lanes is wrong: {lanes!r}")
        return context

    def frames(self) -> Iterator[Frame]:
        """Yields the frames in order. Raises `RecordingFailed` at the first damage, or where the file ends too early."""
        import numpy

        restart = shots = total = sequence = expected = 0
        with open(self.path, "rb") as file:
            file.seek(self._start)
            while restart < self.restarts:
                position = file.tell()
                header = file.read(_HEADER.size)
                fields = self._check_header(header, position, total)
                payload = file.read(fields[10])
                self._check_payload(header, payload, fields, position, total)
                is_first = shots == 0
                if (self.restarts > 1 and is_first and fields[4] != 0) or (
                    not is_first and (fields[4] <= sequence or fields[6] < expected)
                ):
                    raise self._damage(position, total, "the frame is out of order")
                dropped = 0 if is_first else fields[6] - expected
                rows = numpy.frombuffer(payload, "<u8").reshape(fields[5], fields[3])
                yield Frame(rows, restart, shots, dropped, fields[7] / 100)
                sequence, expected = fields[4], fields[6] + fields[5]
                shots, total = shots + fields[5], total + fields[5]
                if shots >= self.shots_per_restart:
                    restart, shots = restart + 1, 0
            if file.read(1):
                raise self._damage(file.tell() - 1, total, "there is more after the last frame")

    def _damage(self, position: int, shots: int, cause: str) -> RecordingFailed:
        return self._failure(f"byte {position}: {cause}; the {shots} shots before it are good")

    def _check_header(self, header: bytes, position: int, shots: int) -> tuple[Any, ...]:
        if len(header) < _HEADER.size:
            raise self._damage(position + len(header), shots, "the file ends before the recording is complete")
        fields = _HEADER.unpack(header)
        magic, version, flags, words, _, count, _, _, _, _, size, _ = fields
        is_sound = magic == b"MEB1" and version == 1 and not flags & ~_KNOWN_FLAGS and count > 0
        fits = words == self.lanes // 64 and size == count * words * 8 and size <= _PAYLOAD_LIMIT
        encoding = _TOGGLES if self.context.get("encoding") == "toggles" else 0
        if not (is_sound and fits and flags & _TOGGLES == encoding and not flags & _PATTERN):
            raise self._damage(position, shots, "the header of the frame is damaged")
        return fields

    def _check_payload(self, header: bytes, payload: bytes, fields: tuple[Any, ...], position: int, shots: int) -> None:
        if len(payload) < fields[10]:
            end = position + len(header) + len(payload)
            raise self._damage(end, shots, "the file ends before the recording is complete")
        if _native.crc32c(header[:-4] + bytes(4) + payload) != fields[11]:
            raise self._damage(position, shots, "the frame does not match its checksum")

    def load(self, lanes: Iterable[int] | None = None, *, allow_gaps: bool = False) -> numpy.ndarray:
        """Returns the bits, 0 or 1, as uint8: (shots, lanes), or (restarts, shots, lanes) with several starts.

        `lanes` chooses columns. Where shots were lost the rows are not consecutive, which raises unless `allow_gaps`.
        """
        import numpy

        chosen = numpy.arange(self.lanes) if lanes is None else numpy.asarray(list(lanes))
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < self.lanes:
            raise IndexError(f"the recording has lanes 0 to {self.lanes - 1}")
        parts: list[list[numpy.ndarray]] = [[] for _ in range(self.restarts)]
        for frame in self.frames():
            if frame.dropped_before and not allow_gaps:
                raise self._failure(
                    f"{frame.dropped_before} shots are missing after the first {frame.first_shot}; pass allow_gaps=True "
                    f"to read the others"
                )
            bits = numpy.unpackbits(frame.words.view("u1"), axis=1, bitorder="little")
            parts[frame.restart].append(bits if lanes is None else bits[:, chosen])
        starts = [numpy.concatenate(part) for part in parts]
        if self.restarts == 1:
            return starts[0]
        return numpy.stack([start[: self.shots_per_restart] for start in starts])


def load_recording(
    path: str | os.PathLike[str], lanes: Iterable[int] | None = None, *, allow_gaps: bool = False
) -> numpy.ndarray:
    """Returns the bits of a recording of a board, as `Recording.load` does."""
    return Recording(path).load(lanes, allow_gaps=allow_gaps)
