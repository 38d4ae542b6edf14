# SPDX-License-Identifier: Apache-2.0
"""Leases: the client of MEL/1 against a server written for the tests."""

import os
import struct
import time

import metrng
import pytest
from conftest import need
from metrng.control import Busy, ChangeNotPermitted, Control, Refused
from metrng.lease import LeaseEnded

need("numpy")
import numpy as np  # noqa: E402
from lease_server import LeaseServer  # noqa: E402


@pytest.fixture
def server(tmp_path):
    server = LeaseServer(tmp_path)
    yield server
    server.close()


@pytest.fixture
def lease(server):
    with Control(server.path) as control, control.lease(count=100, allow_simulated=True) as lease:
        yield lease


def states(count=100, seed=1):
    return np.random.default_rng(seed).random(count) < 0.5


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_states_come_back_as_they_were_written(lease):
    assert len(lease) == 100 and lease.board == "array0" and lease.provenance == "simulated"
    for seed in range(5):
        lease.write(states(seed=seed))
        assert (lease.read() == states(seed=seed)).all()


def test_pulses_flip_devices(server, lease):
    lease.write(np.zeros(100, bool))
    for _ in range(3):
        lease.pulse(50_000)
    found = lease.read()
    assert server.pulses == 150_000
    assert 20 < found.sum() < 80


def test_a_trajectory_is_read_at_each_number_of_pulses(server, lease):
    server.flip = 0.5
    lease.write(states())
    found = lease.trajectory([0, 0, 70_000, 0, 1] + 60 * [0])
    assert found.shape == (65, 100) and server.pulses == 70_001
    assert server.requests == [1, 3, 3, 2, 2, 3, 3, 2] + 61 * [3]
    assert (found[:2] == states()).all() and (found[2] == found[3]).all() and (found[4:] == found[4]).all()
    assert 20 < (found[2] != found[1]).sum() < 80 and 20 < (found[4] != found[3]).sum() < 80
    assert lease.trajectory([]).shape == (0, 100)
    assert (lease.read() == found[-1]).all()


def test_masked_devices_are_left_alone(lease):
    lease.write(np.ones(100, bool))
    masked = np.arange(100) < 50
    lease.mask(masked)
    lease.write(np.zeros(100, bool))
    assert (lease.read() == masked).all()


def test_the_arguments_of_the_call(server):
    with Control(server.path) as control:
        with control.lease("array0", lanes=[5, 3], seconds=9, allow_simulated=True) as lease:
            assert lease.lanes == [5, 3]
            lease.write(np.array([True, False]))
            lease.wait()
            assert server.states[5] and not server.states[3]
        point = {"amplitudeMillivolts": 2300.0, "pulseWidthPicoseconds": 130.0, "biasFieldMicrotesla": 0.0}
        control.lease(operating_point=point, allow_simulated=True).close()
        with pytest.raises(metrng.InvalidArgument, match="not both"):
            control.lease(lanes=[1], count=1)
    assert server.calls[0]["parameters"] == {"board": "array0", "lanes": [5, 3], "seconds": 9}
    assert server.calls[1]["parameters"] == {"seconds": 60, "operatingPoint": point}


def test_requests_are_sent_ahead_but_not_too_many(server, lease):
    for count in range(1, 500):
        lease.pulse(count)
    assert len(lease._sent) <= 64
    lease.wait()
    assert server.requests == [2] * 499


def test_a_value_beyond_the_limits_is_refused_and_the_lease_goes_on(lease):
    lease.set_point(amplitude=2701, width=134, bias_field=0)
    with pytest.raises(ValueError, match="amplitudeLimits.*2700"):
        lease.wait()
    lease.write(states())
    assert (lease.read() == states()).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda lease: lease.pulse(0),
        lambda lease: lease.pulse(65_537),
        lambda lease: lease.write(np.zeros(99, bool)),
        lambda lease: lease.write(np.zeros(100)),
        lambda lease: lease.mask([True]),
        lambda lease: lease.trim(np.zeros(100)),
        lambda lease: lease.trim(np.full(100, 40_000)),
        lambda lease: lease.renew(3_601),
        lambda lease: lease.set_point(amplitude=-1, width=1, bias_field=0),
    ],
)
def test_wrong_arguments_are_refused_here(lease, call):
    with pytest.raises(metrng.InvalidArgument):
        call(lease)
    lease.trim(np.arange(100))
    lease.renew(3_600)
    lease.wait()


@pytest.mark.parametrize(
    ("status", "text"), [(3, "time is over"), (4, "board"), (5, "stopping"), (6, "failed for good")]
)
def test_a_lease_that_ends_says_why_and_stays_ended(server, lease, status, text):
    server.ends = (status, 3)
    with pytest.raises(LeaseEnded, match=text) as caught:
        for _ in range(10_000):
            lease.pulse(1)
    assert caught.value.status == status
    with pytest.raises(ConnectionError, match=text):
        lease.read()


def test_a_closed_socket_ends_the_lease(server, lease):
    server.answer = lambda operation, reply: reply[:10]
    server.ends = (3, 1)
    lease.pulse(1)
    with pytest.raises((LeaseEnded, metrng.ProtocolViolation)):
        lease.read()


@pytest.mark.parametrize(
    "answer",
    [
        lambda operation, reply: b"\2" + reply[1:],
        lambda operation, reply: reply[:4] + struct.pack("<I", 1 << 30) + reply[8:],
        lambda operation, reply: reply[:8] + struct.pack("<Q", 99) + reply[16:],
        lambda operation, reply: reply[:1] + b"\x09" + reply[2:],
        lambda operation, reply: reply[:4] + struct.pack("<I", 0) + reply[8:16],
    ],
)
def test_a_peer_that_speaks_something_else_is_left(server, lease, answer):
    server.answer = answer
    with pytest.raises(ConnectionError, match="MEL/1"):
        lease.read()
    with pytest.raises(LeaseEnded):
        lease.pulse(1)


def test_simulated_devices_need_consent(server):
    with Control(server.path) as control:
        with pytest.raises(PermissionError, match="allow_simulated"):
            control.lease()
        assert server.open.acquire(timeout=60), "the lease is given back"
    server.provenance = "hardware"
    with Control(server.path) as control, control.lease() as lease:
        assert len(lease) == 128


def test_leases_leave_no_descriptors(server):
    before = descriptors()
    for _ in range(50):
        with Control(server.path) as control, control.lease(allow_simulated=True) as lease:
            lease.pulse(1)
    # The servers of this test and of those before are in this process, and close their ends a moment after ours.
    deadline = time.monotonic() + 60
    while descriptors() >= before + 25 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert descriptors() < before + 25


@pytest.mark.parametrize(
    ("name", "parameters", "kind"),
    [
        ("NotLeasable", {"board": "b", "cause": "no array"}, Refused),
        ("NotEnoughLanes", {"board": "b", "wanted": 9, "available": 3}, Busy),
        ("LanesTaken", {"board": "b", "lanes": [1, 2]}, Busy),
        ("NotPermitted", {}, ChangeNotPermitted),
    ],
)
def test_refusals(server, name, parameters, kind):
    server.error = (name, parameters)
    with Control(server.path) as control, pytest.raises(kind):
        control.lease(count=9)


def test_a_reply_without_a_socket_is_no_lease(scripted_control):
    with Control(scripted_control(b'{"parameters":{}}\0')) as control:
        with pytest.raises(metrng.ProtocolViolation, match="no socket"):
            control.lease()


@pytest.fixture
def scripted_control(tmp_path):
    import socket
    import threading

    listener = socket.socket(socket.AF_UNIX)

    def make(reply):
        listener.bind(str(tmp_path / "scripted.sock"))
        listener.listen()

        def serve():
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(reply)
            connection.recv(1)
            connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return str(tmp_path / "scripted.sock")

    yield make
    listener.close()


def test_a_lease_of_the_daemon(own_daemon):
    with Control(own_daemon.control) as control, control.lease(count=64, seconds=60, allow_simulated=True) as lease:
        states = np.arange(64) % 3 == 0
        lease.write(states)
        assert (lease.read() == states).all()
        masked = np.arange(64) < 32
        lease.mask(masked)
        lease.pulse(5_000)
        pulsed = lease.read()
        assert (pulsed[masked] == states[masked]).all()
        assert (pulsed != states).sum() >= 4  # 32 devices that forget: fewer than 4 once in 10^6
        board = control.status()["boards"][0]
        assert board["laneCounts"]["leased"] == 64
        assert [held["lanes"] for held in board["leases"]] == [64]
        control.lease(count=1, allow_simulated=True).close()
    with pytest.raises(LeaseEnded):
        lease.read()
