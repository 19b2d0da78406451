# SPDX-License-Identifier: Apache-2.0
"""The engine against a target that misbehaves as told: the data is right in the end, or nothing was accepted."""

import contextlib
import random
from collections.abc import Callable

import pytest
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.pdu import Op
from lundock.helper.target.script import Close, Cut, Rules, Send
from lundock.helper.target.server import Server
from support import nbd, procs
from support.nbd import NbdClient, cli, serving

MIB = 1 << 20
NAME = "iqn.2026-01.io.github.lundock.test:scripted"
NOISE = random.Random(21).randbytes(2 * MIB)
QUICK = {"DefaultTime2Wait": "0", "MaxRecvDataSegmentLength": "65536", "MaxBurstLength": "262144"}


@contextlib.contextmanager
def target(script=None, **changes):
    disks = (DiskConfig(size=8 * MIB, lun=1), DiskConfig(size=8 * MIB, lun=2))
    config = TargetConfig(NAME, disks, parameters=QUICK, **changes)
    with Server(ServerConfig(targets=(config,)), script=script, record=True) as server:
        yield server


def url_of(server, lun=1, **settings):
    settings = {"default_time2wait": 0, "max_recv_data_segment_length": 65536, **settings}
    return f"iscsi://{server.address}/{NAME}/{lun}?" + "&".join(f"{k}={v}" for k, v in settings.items())


def logins(server):
    return [pdu for pdu in server.wire.sent(Op.LOGIN_RESPONSE) if pdu.flags & 0x83 == 0x83]


DIGESTS = {"header_digest": "CRC32C", "data_digest": "CRC32C", "initial_r2t": "yes"}
MISDEEDS: dict[str, tuple[int, Callable, int]] = {
    "a lost Data-In": (Op.DATA_IN, lambda pdu: [], 20),
    "a Data-In twice": (Op.DATA_IN, lambda pdu: [pdu, pdu], 20),
    "a Data-In cut": (Op.DATA_IN, lambda pdu: [Cut(pdu, 60)], 20),
    "a Data-In cut by a reset": (Op.DATA_IN, lambda pdu: [Cut(pdu, 40_000, reset=True)], 20),
    "damaged data": (Op.DATA_IN, lambda pdu: [Send(pdu, bad_data=True)], 20),
    "a damaged header": (Op.DATA_IN, lambda pdu: [Send(pdu, bad_header=True)], 20),
    "a response twice": (Op.SCSI_RESPONSE, lambda pdu: [pdu, pdu], 15),
    "a reset in place of an R2T": (Op.R2T, lambda pdu: [Close(reset=True)], 3),
    "an R2T twice": (Op.R2T, lambda pdu: [pdu, pdu], 3),
    "an end in place of a response": (Op.SCSI_RESPONSE, lambda pdu: [Close()], 15),
}
#: RFC 7143, 7.9: duplicates are discarded.
HARMLESS = {"a Data-In twice", "an R2T twice"}


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_the_data_is_right_in_the_end(misdeed, tmp_path):
    op, action, nth = MISDEEDS[misdeed]
    script = Rules()
    script.when_sending(op, action, nth=nth)
    path = tmp_path / "nbd"
    with target(script) as server, serving(url_of(server, **DIGESTS), path), NbdClient(path) as client:
        for turn in range(16):
            assert client.do(nbd.WRITE, turn * MIB // 4, MIB // 4, NOISE[turn * 1000 :][: MIB // 4]) == 0
        for turn in range(16):
            assert client.read(turn * MIB // 4, MIB // 4) == NOISE[turn * 1000 :][: MIB // 4]
        expected = 1 if misdeed in HARMLESS else 2
        assert len(logins(server)) == expected, "it went wrong once, and one new login mended it"


@pytest.mark.parametrize("event", [1, 2, 3, 4])
def test_a_target_that_wants_the_connection_to_end(event, tmp_path):
    path = tmp_path / "nbd"
    with target() as server, serving(url_of(server), path), NbdClient(path) as client:
        assert client.do(nbd.WRITE, 0, MIB, NOISE[:MIB]) == 0
        for connection in server.connections:
            connection.send_async(event, parameters=(0, 0, 5))
        assert server.wire.wait(lambda _wire: len(logins(server)) == 2, 20)
        assert client.read(0, MIB) == NOISE[:MIB]
        logouts = server.wire.received(Op.LOGOUT_REQUEST)
        assert len(logouts) == (1 if event in (1, 4) else 0)


def test_the_targets_pings_are_answered(tmp_path):
    path = tmp_path / "nbd"
    with target() as server, serving(url_of(server), path):
        server.connections[0].send_nop_in(ttt=0x1234, lun=1 << 48)
        assert server.wire.wait(lambda wire: wire.received(Op.NOP_OUT))
        (answer,) = server.wire.received(Op.NOP_OUT)
        assert (answer.itt, answer.ttt, answer.lun) == (0xFFFFFFFF, 0x1234, 1 << 48)


def test_a_redirection_is_followed(tmp_path):
    path = tmp_path / "nbd"
    with target() as there, target(redirect=there.address) as here:
        with serving(url_of(here), path), NbdClient(path) as client:
            assert client.do(nbd.WRITE, 0, 4096, NOISE[:4096]) == 0
        assert logins(there)
        assert not logins(here)


def test_redirections_in_a_circle_end():
    with target() as one, target(redirect=one.address) as two:
        one.change_target(NAME, redirect=two.address)
        result = cli("inq", url_of(one))
        assert "[LoginRedirectLoop]" in result.stderr


def test_a_disk_that_grows_is_served_in_its_new_size(tmp_path):
    path = tmp_path / "nbd"
    with target() as server, serving(url_of(server), path):
        with NbdClient(path) as client:
            assert client.size == 8 * MIB
        server.units(NAME)[1].resize(12 * MIB)

        def grown():
            with NbdClient(path) as again:
                assert again.do(nbd.READ, 0, 4096) == 0  # the unit attention comes with a command
                again.take(4096)
                return again.size == 12 * MIB

        procs.wait_for("the new size", grown)
        with NbdClient(path) as client:
            assert client.do(nbd.WRITE, 11 * MIB, 4096, NOISE[:4096]) == 0


def test_a_small_window_slows_but_does_not_stop(tmp_path):
    class Narrow(Rules):
        def max_cmd_sn(self, session, proposed):
            return min(proposed, session.exp_cmd_sn + 1)

    path = tmp_path / "nbd"
    with target(Narrow()) as server, serving(url_of(server), path), NbdClient(path) as client:
        for number in range(100):
            client.ask(nbd.WRITE, number * 4096, 4096, NOISE[number * 4096 :][:4096], handle=number)
        assert sorted(client.answer() for _ in range(100)) == [(number, 0) for number in range(100)]
        assert client.read(0, 409600) == NOISE[:409600]
