# SPDX-License-Identifier: Apache-2.0
"""Sessions through hostile and restarting daemons, forks, threads and interrupts."""

import os
import signal
import subprocess
import sys
import threading
import time

import conftest
import metrng
import pytest
from conftest import PATIENCE, need, reply

need("numpy")
import numpy as np  # noqa: E402


@pytest.fixture
def session(daemon):
    with metrng.Session(allow_simulated=True) as session:
        yield session


class TestHostileDaemon:
    @pytest.mark.parametrize(
        "answer",
        [
            lambda length, tag: reply(bytes(length), tag, length=length + 1),
            lambda length, tag: reply(bytes(length), tag, length=2**32 - 1),
            lambda length, tag: reply(bytes(length), tag + 1),
            lambda length, tag: reply(bytes(length), tag, provenance=9),
            lambda length, tag: reply(bytes(length), tag, grade=0),
            lambda length, tag: reply(b"", tag, length=0),
            lambda length, tag: b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4,
        ],
        ids=["too long", "huge", "other tag", "no provenance", "other grade", "empty", "http"],
    )
    def test_lies_end_the_call(self, scripted, answer):
        with pytest.raises(ConnectionError):
            with metrng.Session(scripted(answer), allow_simulated=True, reconnect_seconds=0) as session:
                session.bytes(64)

    def test_provenance_that_was_not_allowed(self, scripted):
        path = scripted(lambda length, tag: reply(bytes(length), tag, provenance=2))
        with pytest.raises(metrng.NotGenuine):
            with metrng.Session(path) as session:
                session.bytes(8)

    def test_a_failed_fill_leaves_zeros(self, scripted):
        replies = iter([0, 1])

        def answer(length, tag):
            return reply(b"\x55" * length, tag) if next(replies, None) == 0 else None

        with metrng.Session(scripted(answer), allow_simulated=True, reconnect_seconds=0) as session:
            out = np.ones(100_000)
            with pytest.raises(ConnectionError):
                session.uniform(out=out)
            assert not out.any()

    @pytest.mark.parametrize(
        "described",
        [b"", b"{", b"[1]", b"\xff\0", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"],
        ids=["nothing", "cut", "a list", "no text", "nested"],
    )
    def test_description_that_is_none(self, tmp_path, monkeypatch, described):
        monkeypatch.setattr(conftest, "INFO", described)
        server = conftest.ScriptedServer(tmp_path, lambda: lambda length, tag: reply(bytes(length), tag))
        with metrng.Session(server.path, allow_simulated=True) as session:
            with pytest.raises(metrng.ProtocolViolation, match="itself"):
                session.info()
        server.close()

    def test_long_description(self, tmp_path, monkeypatch):
        monkeypatch.setattr(conftest, "INFO", b'{"boards":["' + b"x" * 200_000 + b'"]}')
        server = conftest.ScriptedServer(tmp_path, lambda: lambda length, tag: reply(bytes(length), tag))
        with metrng.Session(server.path, allow_simulated=True) as session:
            assert len(session.info()["boards"][0]) == 200_000
        server.close()


class TestRestart:
    def test_daemon_restarts_in_mid_read(self, own_daemon):
        with metrng.Session(own_daemon.entropy, allow_simulated=True, reconnect_seconds=60) as session:
            session.bytes(100)
            own_daemon.stop(kill=True)
            starter = threading.Thread(target=own_daemon.start)
            starter.start()
            data = session.bytes(1_000_000)
            starter.join()
            assert len(set(data)) == 256 and session.report().reconnections >= 1

    def test_daemon_that_stays_away(self, own_daemon):
        with metrng.Session(own_daemon.entropy, allow_simulated=True, reconnect_seconds=0.1) as session:
            session.bytes(8)
            own_daemon.stop()
            with pytest.raises(ConnectionError):
                session.bytes(10_000_000)


class TestForks:
    def children(self, session, count, size):
        readers = []
        for _ in range(count):
            reader, writer = os.pipe()
            if os.fork() == 0:
                try:
                    os.close(reader)
                    with os.fdopen(writer, "wb") as output:
                        output.write(session.bytes(size))
                finally:
                    os._exit(0)
            os.close(writer)
            readers.append(reader)
        blocks = []
        for reader in readers:
            with os.fdopen(reader, "rb") as source:
                blocks.append(source.read())
            os.wait()
        return blocks

    def test_children_get_bits_of_their_own(self, session):
        session.bytes(100)  # connected, with bits at hand
        size = 1 << 20
        parts = [*self.children(session, 64, size), session.bytes(size)]
        assert all(len(part) == size for part in parts)
        # A quarter of each block of 32 bytes says enough: it comes twice by chance once in ten million runs.
        pieces = np.concatenate([np.frombuffer(part, "u8")[::4] for part in parts])
        assert len(np.unique(pieces)) == len(pieces)

    def test_bit_generator_and_random(self, daemon):
        generator = np.random.Generator(metrng.BitGenerator(allow_simulated=True))
        twister = metrng.Random(allow_simulated=True)
        generator.standard_normal(), twister.gauss(0, 1)
        reader, writer = os.pipe()
        if os.fork() == 0:
            try:
                os.write(
                    writer, np.array([generator.random(), generator.random(dtype="f"), twister.gauss(0, 1)]).tobytes()
                )
            finally:
                os._exit(0)
        os.wait()
        child = np.frombuffer(os.read(reader, 24))
        parent = [generator.random(), generator.random(dtype="f"), twister.gauss(0, 1)]
        assert not set(child.tolist()) & set(parent)


class TestThreads:
    def test_a_shared_session_gives_each_word_once(self, session):
        parts = [[] for _ in range(4)]

        def draw(part):
            for size in range(1, 300):
                part.append(session.words(size))

        threads = [threading.Thread(target=draw, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        words = np.concatenate([words for part in parts for words in part])
        assert len(np.unique(words)) == len(words)

    def test_closing_while_others_draw(self, daemon):
        session = metrng.Session(allow_simulated=True)
        outcomes = []

        def draw():
            try:
                while True:
                    session.words(10_000)
            except ValueError as error:
                outcomes.append(str(error))

        threads = [threading.Thread(target=draw) for _ in range(3)]
        for thread in threads:
            thread.start()
        while session.report().bytes_used < 1_000_000:
            time.sleep(0.001)
        session.close()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 3 and all("closed" in outcome for outcome in outcomes)


def test_threads_that_wait_when_the_interpreter_ends(scripted):
    path = scripted(lambda length, tag: time.sleep(PATIENCE))
    code = (
        "import metrng, threading, time\n"
        f"def wait(): metrng.Session({path!r}, allow_simulated=True).bytes(8)\n"
        "for _ in range(150): threading.Thread(target=wait, daemon=True).start()\n"
        "while threading.active_count() < 151: time.sleep(0.01)\n"
        "time.sleep(0.3)\n"
    )
    for _ in range(5):
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stderr


class TestInterrupts:
    def test_control_c_ends_a_call_that_waits(self, scripted):
        waiting = threading.Event()

        def answer(length, tag):
            waiting.set()
            threading.Event().wait()

        session = metrng.Session(scripted(answer), allow_simulated=True)

        def interrupt():
            waiting.wait()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            session.bytes(8)

    def test_handlers_that_return_do_not_end_a_call(self, scripted):
        waiting, handled = threading.Event(), threading.Event()

        def answer(length, tag):
            waiting.set()
            handled.wait()
            return reply(b"\x01" * length, tag)

        previous = signal.signal(signal.SIGUSR1, lambda *_: handled.set())
        try:
            session = metrng.Session(scripted(answer), allow_simulated=True)

            def interrupt():
                waiting.wait()
                os.kill(os.getpid(), signal.SIGUSR1)

            threading.Thread(target=interrupt, daemon=True).start()
            assert session.bytes(8) == b"\x01" * 8
        finally:
            signal.signal(signal.SIGUSR1, previous)

    def test_wait_seconds(self, scripted):
        path = scripted(lambda length, tag: threading.Event().wait())
        with metrng.Session(path, allow_simulated=True, wait_seconds=0.05) as session:
            with pytest.raises(BlockingIOError):
                session.bytes(8)
