# SPDX-License-Identifier: Apache-2.0
"""A control socket that grants leases of an ideal array: a second implementation of MEL/1, for tests of clients."""

import json
import pathlib
import socket
import struct
import threading

import numpy as np
from conftest import receive


class LeaseServer:
    """Devices that flip with the probability `flip` at every pulse, and are made from a seed.

    `dead` devices keep their state. After `ends[1]` requests the lease ends with the status `ends[0]`; `answer` may
    replace the bytes of replies.
    """

    def __init__(self, folder, *, lanes=128, flip=0.01, dead=(), seed=1, provenance="simulated"):
        self.path = str(pathlib.Path(folder) / "control.sock")
        self.lanes, self.flip, self.provenance = lanes, flip, provenance
        self.generator = np.random.Generator(np.random.PCG64(seed))
        self.dead = np.isin(np.arange(lanes), list(dead))
        self.states = self.generator.random(lanes) < 0.5
        self.masked = np.zeros(lanes, dtype=bool)
        self.requests, self.calls, self.pulses = [], [], 0
        self.ends, self.answer, self.error = None, None, None
        self.open = threading.Semaphore(0)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._control, args=(connection,), daemon=True).start()

    def _control(self, connection):
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
                while b"\0" in received:
                    message, _, received = received.partition(b"\0")
                    self._call(connection, json.loads(message))
        except OSError:
            pass
        connection.close()

    def _call(self, connection, call):
        self.calls.append(call)
        if self.error is not None:
            name, parameters = self.error
            connection.sendall(json.dumps({"error": f"org.metrng.Control.{name}", "parameters": parameters}).encode())
            connection.sendall(b"\0")
            return
        wanted = call["parameters"].get("lanes") or list(range(call["parameters"].get("count") or self.lanes))
        facts = {
            "board": "array0",
            "provenance": self.provenance,
            "healthEpoch": 7,
            "lanes": wanted,
            "streamContinues": True,
            "operatingPoint": {"amplitudeMillivolts": 2400, "pulseWidthPicoseconds": 134, "biasFieldMicrotesla": 0},
            "amplitudeLimits": {"lower": 0, "upper": 2700},
            "widthLimits": {"lower": 50, "upper": 5000},
            "fieldLimits": {"lower": -1000, "upper": 1000},
            "trimLimits": {"lower": -500, "upper": 500},
            "shotsPerSecond": 1e6,
            "seconds": call["parameters"]["seconds"],
        }
        ours, theirs = socket.socketpair()
        message = json.dumps({"parameters": facts}).encode() + b"\0"
        sent = socket.send_fds(connection, [message], [theirs.fileno()])
        theirs.close()
        connection.sendall(message[sent:])
        threading.Thread(target=self._serve, args=(ours, np.array(wanted)), daemon=True).start()

    def _serve(self, connection, lanes):
        try:
            while True:
                version, operation, zero, length, tag = struct.unpack("<BBHIQ", receive(connection, 16))
                body = receive(connection, length)
                assert (version, zero) == (1, 0)
                self.requests.append(operation)
                if self.ends is not None and len(self.requests) > self.ends[1]:
                    connection.sendall(struct.pack("<BBHIQ", 1, self.ends[0], 0, 0, 0))
                    break
                reply = self._reply(operation, body, tag, lanes)
                connection.sendall(reply if self.answer is None else self.answer(operation, reply))
        except (EOFError, OSError):
            pass
        connection.close()
        self.open.release()

    def _reply(self, operation, body, tag, lanes):
        status, answer = 0, b""
        words = (len(lanes) + 63) // 64
        usable = ~self.masked[lanes] & ~self.dead[lanes]
        bits = np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little").astype(bool)[: len(lanes)]
        if operation in (1, 5) and len(body) != 8 * words:
            status = 1
        elif operation == 1:
            self.states[lanes[usable]] = bits[usable]
        elif operation == 2:
            count = struct.unpack("<I", body)[0]
            self.pulses += count
            odd = (1 - (1 - 2 * self.flip) ** count) / 2
            self.states[lanes] ^= (self.generator.random(len(lanes)) < odd) & usable
        elif operation == 3:
            answer = np.packbits(self.states[lanes], bitorder="little").tobytes().ljust(8 * words, b"\0")
        elif operation == 5:
            self.masked[lanes] = bits
        elif operation == 6 and struct.unpack("<IIi", body)[0] > 2_700_000:
            status = 2
        return struct.pack("<BBHIQ", 1, status, 0, len(answer), tag) + answer
