# SPDX-License-Identifier: Apache-2.0
"""The control plane and recordings of boards, against a daemon of its own."""

import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import metrng
import pytest
from conftest import REPOSITORY, need
from metrng.control import (
    Busy,
    Control,
    ControlError,
    NoSuchBoard,
    OperationFailed,
    Refused,
)

need("numpy")
import numpy as np  # noqa: E402


@pytest.fixture(scope="module")
def board_daemon(tmp_path_factory, build):
    from conftest import Daemon

    daemon = Daemon(tmp_path_factory.mktemp("control"))
    daemon.start()
    yield daemon
    daemon.stop()


def end_faults(control):
    """Ends all faults, as soon as an operation that was cancelled has ended."""
    for _ in range(1000):
        try:
            return control.inject("none")
        except Busy:
            time.sleep(0.01)
    raise AssertionError("the cancelled operation does not end")


@pytest.fixture
def control(board_daemon):
    with Control(board_daemon.control) as control:
        yield control
        control.close()
        end_faults(control)


def test_status(control):
    status = control.status()
    assert status["service"]["controlSocket"] == control.path
    (board,) = status["boards"]
    assert (board["name"], board["provenance"], board["lanes"]) == ("array0", "simulated", 512)
    assert control.status("array0")["boards"][0]["serial"] == board["serial"]
    assert control.boards()[0]["name"] == "array0"
    assert "boards:" in control.configuration() and "metrng_up 1" in control.metrics()
    assert control.reload() == []


def test_health(control):
    health = control.health()
    assert len(health["lanes"]) == 512 and 0.3 < health["lanes"][5]["p"] < 0.7


def test_the_daemon_knows_its_clients(board_daemon, control):
    with metrng.Session(board_daemon.entropy, allow_simulated=True) as session:
        session.bytes(8)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        (client,) = control.status()["service"]["topClients"]
        assert client["processId"] == os.getpid()
        assert client["name"] == f"Python {version}, libmetrng {metrng.__version__}"


def test_watch_ends_with_its_reader(control):
    replies = control.watch(interval=0.1)
    assert next(replies)["boards"] and next(replies)["boards"]
    replies.close()
    assert control.status()["boards"]


def test_set(control):
    point = control.set(amplitude=1340)
    assert point["amplitudeMillivolts"] == 1340
    assert control.set(preset="quarterPeriod")["amplitudeMillivolts"] != 1340


def test_calibrate(control):
    seen = []
    sweep = control.calibrate(widths=(300, 400, 2), shots=1024, progress=lambda done, total: seen.append((done, total)))
    assert [point["pulseWidthPicoseconds"] for point in sweep["points"]] == [300, 400]
    assert seen[-1] == (2, 2)
    assert len(control.calibrate(widths=[350, 360, 2], shots=1024)["points"]) == 2
    assert len(control.calibrate(widths=350.0, amplitudes=1300.0, shots=1024)["points"]) == 1


def test_inject(control):
    control.inject("stuckAt0", range(3, 5), after=0, shots=10_000)
    control.inject("none")
    with pytest.raises(ValueError, match="faults"):
        control.inject("gremlins")


def test_errors(control, tmp_path):
    with pytest.raises(LookupError, match="array0") as caught:
        control.health("nobody")
    assert isinstance(caught.value, NoSuchBoard) and caught.value.parameters["boards"] == ["array0"]
    for use in (
        lambda: control.set(amplitude=1e9),
        lambda: control.set(preset="none"),
        lambda: control.watch(interval=-1),
    ):
        with pytest.raises(Refused):
            for _ in use() or ():
                pass
    for use in (control.set, lambda: control.calibrate(widths=(300, 900))):
        with pytest.raises(metrng.InvalidArgument):
            use()
    with pytest.raises(TypeError):
        control.calibrate(widths=300, shots=1e3)
    with pytest.raises(ControlError):
        control.call("NoSuchMethod")
    with pytest.raises(OperationFailed):
        list(control.replies("Record", {"shots": 1000}, more=True))
    assert control.status()["boards"]


def test_busy_and_interrupted(board_daemon, control):
    running = threading.Event()

    def calibrate():
        with pytest.raises(RuntimeError, match="stop"):
            with Control(board_daemon.control) as other:
                other.calibrate(widths=(300, 3000, 400), shots=1_000_000, progress=stop)

    def stop(done, total):
        running.set()
        if ended.is_set():
            raise RuntimeError("stop")

    ended = threading.Event()
    thread = threading.Thread(target=calibrate, daemon=True)
    thread.start()
    running.wait()
    with pytest.raises(BlockingIOError) as caught:
        control.set(amplitude=1300)
    assert isinstance(caught.value, Busy)
    ended.set()
    thread.join()


def test_unreachable(tmp_path, monkeypatch):
    monkeypatch.setenv("METRNG_CONTROL", str(tmp_path / "absent.sock"))
    with pytest.raises(ConnectionError, match="metrngd"):
        Control().status()


@pytest.mark.parametrize("answer", [b"{]\0", b"[]\0", b'{"parameters": 5}\0', b""])
def test_hostile_service(tmp_path, answer):
    path = tmp_path / "control.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve():
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(answer)
        connection.close()

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(ConnectionError, match="metrngd"):
        Control(path).status()
    listener.close()


def test_types_are_those_of_the_interface():
    subprocess.run([sys.executable, REPOSITORY / "scripts" / "make-control-types", "--check"], check=True)


@pytest.fixture(scope="module")
def path(board_daemon, tmp_path_factory):
    """A recording."""
    path = tmp_path_factory.mktemp("recordings") / "array.recording"
    with Control(board_daemon.control) as control:
        size = control.record(path, 5000)
    assert size == path.stat().st_size
    return path


class TestRecordings:
    def test_bits(self, path):
        bits = metrng.load_recording(path)
        assert bits.dtype == np.uint8 and bits.shape[1] == 512 and bits.shape[0] >= 5000
        shares = bits.mean(0)
        assert ((shares > 0.4) & (shares < 0.6)).sum() > 450
        assert np.array_equal(metrng.load_recording(path, [5, 64, 511]), bits[:, [5, 64, 511]])
        words = next(metrng.Recording(path).frames()).words
        assert int(words[0, 1]) & 1 == bits[0, 64]

    def test_it_is_what_mectl_exports(self, path, tmp_path):
        from conftest import BUILD

        output = tmp_path / "lane"
        subprocess.run(
            [BUILD / "mectl", "export", path, "--lane", "5", "--output", output], check=True, capture_output=True
        )
        assert output.read_bytes() == metrng.load_recording(path, [5]).tobytes()

    def test_context(self, path):
        context = metrng.Recording(path).context
        assert context["provenance"] == "simulated" and context["lanes"] == 512

    def test_restarts(self, board_daemon, tmp_path):
        with Control(board_daemon.control) as control:
            control.record(tmp_path / "restarts", 1000, restarts=3)
        assert metrng.load_recording(tmp_path / "restarts").shape == (3, 1000, 512)

    def test_existing_file_is_kept(self, control, path):
        with pytest.raises(FileExistsError):
            control.record(path, 1000)

    def test_damage_is_told(self, path, tmp_path):
        data = path.read_bytes()
        start = data.index(b"MEB1")
        second = data.index(b"MEB1", start + 4)
        copy = tmp_path / "copy"
        for changed, text in (
            (data[:-1], "ends before"),
            (data + b"x", "more after"),
            (data[: start + 100] + bytes([data[start + 100] ^ 1]) + data[start + 101 :], f"byte {start}: .*checksum"),
            (data[:second] + b"X" + data[second + 1 :], f"byte {second}: .*header"),
            (data[:start] + data[second:], "ends before|out of order"),
            (data.replace(b'"lanes":512', b'"lanes":576', 1), "checksum"),
            (b"x" + data, "no recording"),
            (data[:30], "damaged"),
        ):
            copy.write_bytes(changed)
            with pytest.raises(OSError, match=text):
                metrng.load_recording(copy)

    def test_recordings_of_the_repository(self):
        recordings = list((REPOSITORY / "Tests" / "Fixtures").rglob("*.recording"))
        assert recordings
        for recording in recordings:
            assert metrng.load_recording(recording, allow_gaps=True).size > 0, pathlib.Path(recording).name
