# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of running programs share: a daemon on sockets of its own, a software board that it
reads, and the requests of clients."""

import json
import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import time

WRAPPER = "/usr/bin/umockdev-wrapper"
RAW, FULL = 0, 1
# For a daemon that reads a software board.
CABLE = "boards: [{name: cable, kind: usb, usb: {simulated: true}}]\n"
PATIENCE = 60


class Board:
    """A software board on an emulated USB, for daemons that are started with its `environment`."""

    def __init__(self, build, *options):
        self.process = subprocess.Popen(
            [WRAPPER, os.path.join(build, "meboard"), "emulate", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.environment = {"UMOCKDEV_DIR": self.process.stdout.readline().strip()}
        self.tell("plug 1")

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline().strip() != "ok":
            raise SystemExit(f"the board does not {command}")

    def run(self, *command):
        """What a program that reads the board says."""
        return subprocess.run(
            [WRAPPER, *command], env=os.environ | self.environment, stdout=subprocess.PIPE,
            text=True, check=True).stdout

    def unplug(self):
        self.process.stdin.close()
        self.process.wait()


class Daemon:
    """metrngd on sockets of its own.

    `configuration` is the text of its file; nothing, for one simulated board with built-in values. `board` is
    a `Board` that it reads, and `environment` what it finds beside that.
    """

    def __init__(self, build, configuration=None, board=None, environment=None):
        self.build = build
        self.directory = tempfile.TemporaryDirectory(prefix="metrng-")
        self.entropy, self.control, settings = (
            os.path.join(self.directory.name, name)
            for name in ("entropy.sock", "control.sock", "m.yaml"))
        options = ["--simulated"]
        if configuration is not None:
            pathlib.Path(settings).write_text(configuration, "utf-8")
            options = ["--config", settings]
        surroundings = os.environ | (board.environment if board else {}) | (environment or {})
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*([WRAPPER] if board else []), os.path.join(build, "metrngd"), *options,
             "--runtime-directory", self.directory.name],
            env=surroundings, stderr=subprocess.DEVNULL)

    def connect(self, path=None):
        """A client of entropy.sock, or of another socket, as soon as there can be one."""
        while time.monotonic() < self.started + PATIENCE:
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(path or self.entropy)
                return client
            except OSError:
                client.close()
                if self.process.poll() is not None:
                    raise SystemExit("metrngd has ended; is it built? (make build)")
                time.sleep(0.001)
        raise SystemExit("metrngd does not answer")

    def state(self):
        """Of its board, as mectl tells it; '' while the daemon does not answer."""
        answer = subprocess.run(
            [os.path.join(self.build, "mectl"), "status", "--json", "--socket", self.control],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        return json.loads(answer.stdout)["boards"][0]["state"] if answer.stdout else ""

    def wait(self, holds):
        """Until `holds` of the state."""
        end = time.monotonic() + PATIENCE
        while not holds(self.state()):
            if time.monotonic() > end:
                raise SystemExit(f"the board stays {self.state()}")

    def peak(self):
        """The largest resident size, in MB."""
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

    def processor_seconds(self):
        """Of all its threads: the clock of clock_getcpuclockid(3), in nanoseconds and not in ticks."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def stop(self):
        """Seconds from SIGTERM to the end."""
        begin = time.monotonic()
        self.process.terminate()
        self.process.wait()
        elapsed = time.monotonic() - begin
        self.directory.cleanup()
        return elapsed


def request(grade, count):
    """A READ, as protocols.md lays it out."""
    return struct.pack("<BBBBIQ", 1, 1, grade, 0, count, 0)


def read_bits(client, buffer, count, grade=FULL):
    """READs `count` bytes into `buffer`."""
    client.sendall(request(grade, count))
    header = receive(client, bytearray(24), 24)
    if header[1] != 0:
        raise SystemExit(f"the daemon answered with status {header[1]}")
    receive(client, buffer, count)


def receive(client, buffer, count):
    view, done = memoryview(buffer), 0
    while done < count:
        got = client.recv_into(view[done:count])
        if got == 0:
            raise SystemExit("the daemon has closed the connection")
        done += got
    return buffer


def row(what, value, goal=""):
    print(f"{what:<62}{value:>10}   {goal}", flush=True)
