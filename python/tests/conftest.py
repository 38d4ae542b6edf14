# SPDX-License-Identifier: Apache-2.0
"""A daemon with a simulated array of a fixed seed, and what several tests use."""

import importlib.util
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("METRNG_BUILD", REPOSITORY / ".build" / "release"))
PATIENCE = 60

#: Packages whose tests may be left out, because somebody said so: METRNG_WITHOUT="torch jax".
WITHOUT = os.environ.get("METRNG_WITHOUT", "").split()


def need(package):
    """Skips a module of tests only where a person asked for it; otherwise a missing package is a failure."""
    if package in WITHOUT:
        pytest.skip(f"METRNG_WITHOUT names {package}", allow_module_level=True)
    if importlib.util.find_spec(package) is None:
        pytest.fail(f"{package} is not installed; METRNG_WITHOUT={package} leaves its tests out", pytrace=False)


def pytest_collection_modifyitems(items):
    """Puts tests that start JAX last: it makes threads, and other tests fork."""
    items.sort(key=lambda item: item.path.name in ("test_jax.py", "test_documents.py"))


class Daemon:
    """metrngd with one simulated board, on sockets of its own."""

    def __init__(self, folder, seed=1, configuration=None):
        self.folder = pathlib.Path(folder)
        self.entropy = str(self.folder / "entropy.sock")
        self.control = str(self.folder / "control.sock")
        self._settings = self.folder / "metrngd.yaml"
        self._settings.write_text(
            configuration or f"boards: [{{name: array0, kind: simulated, seed: {seed}}}]\n", encoding="utf-8"
        )
        self.process = None

    def start(self):
        self._log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [BUILD / "metrngd", "--config", self._settings, "--runtime-directory", self.folder],
            stdin=subprocess.DEVNULL,
            stderr=self._log,
        )
        deadline = time.monotonic() + PATIENCE
        while b"serving bits" not in (self.folder / "log").read_bytes():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail("metrngd does not serve:\n" + (self.folder / "log").read_text(), pytrace=False)
            time.sleep(0.02)
        return self

    def stop(self, kill=False):
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(PATIENCE)
            self._log.close()
            self.process = None


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """Lets Ctrl-C raise KeyboardInterrupt also where the tests run in the background, which a shell makes deaf to it."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.fixture(scope="session", autouse=True)
def build():
    if not (BUILD / "metrngd").exists():
        pytest.fail(f'{BUILD} has no metrngd: run "make build", or set METRNG_BUILD', pytrace=False)


@pytest.fixture(scope="session")
def daemon(build):
    """The daemon that the tests share; METRNG_SOCKET and METRNG_CONTROL name its sockets."""
    with tempfile.TemporaryDirectory(prefix="metrng-") as folder:
        running = Daemon(folder).start()
        os.environ["METRNG_SOCKET"] = running.entropy
        os.environ["METRNG_CONTROL"] = running.control
        yield running
        running.stop()
        del os.environ["METRNG_SOCKET"], os.environ["METRNG_CONTROL"]


@pytest.fixture
def own_daemon(build, monkeypatch):
    """A daemon that the test may stop."""
    with tempfile.TemporaryDirectory(prefix="metrng-") as folder:
        running = Daemon(folder)
        running.start()
        yield running
        running.stop()


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


INFO = (
    b'{"server":"scripted","version":"0","operations":["read","info","name"],"flags":["nonblock"],'
    b'"limits":{"maximumReadBytes":1048576},"grades":["raw","full"],"provenances":["simulated"],"boards":[]}'
)


class ScriptedServer:
    """A server of MEP/1 whose replies a test chooses.

    `make_answer()` gives a function for each connection; `answer(length, tag)` gives the bytes for a READ, None to
    close, or waits.
    """

    def __init__(self, folder, make_answer):
        self.path = str(pathlib.Path(folder) / "scripted.sock")
        self._make_answer = make_answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        answer = self._make_answer()
        try:
            while True:
                _, operation, _, _, length, tag = struct.unpack("<BBBBIQ", receive(connection, 16))
                if operation == 3:
                    connection.sendall(reply(INFO, tag, provenance=0))
                elif operation == 4:
                    receive(connection, length)
                    connection.sendall(reply(b"", tag))
                else:
                    data = answer(length, tag)
                    if data is None:
                        break
                    connection.sendall(data)
        except (EOFError, OSError):
            pass
        connection.close()

    def close(self):
        self._listener.close()
        for connection in self._connections:
            connection.close()


def reply(data, tag, *, status=0, provenance=1, grade=1, length=None, epoch=7):
    """The bytes of a reply of MEP/1."""
    return (
        struct.pack("<BBBBIQII", 1, status, provenance, grade, len(data) if length is None else length, tag, epoch, 0)
        + data
    )


@pytest.fixture
def scripted(tmp_path):
    servers = []

    def make(answer):
        servers.append(ScriptedServer(tmp_path, lambda: answer))
        return servers[-1].path

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def fixed(tmp_path):
    """The socket of a server that gives every connection the same words, for statistics that pass or fail for good."""

    def make_answer():
        words = random.Random(1)
        return lambda length, tag: reply(words.randbytes(length), tag)

    server = ScriptedServer(tmp_path, make_answer)
    yield server.path
    server.close()
