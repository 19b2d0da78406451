# SPDX-License-Identifier: Apache-2.0
"""Tried logins through a real worker to tgtd: which sign-in a target asks for, and how far one gets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lundock.helper.probing import Probed
from lundock.helper.supervisor import Portal, Secrets, SessionSpec
from support import procs
from support.supervised import Recorder, no_step, spec, supervisor
from support.tgtd import LunSpec, Tgtd, TgtTarget

ACCOUNT = ("alice-chap", "correct horse b")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tgtd]:
    with Tgtd(tmp_path_factory.mktemp("tgtd")) as running:
        yield running


@pytest.fixture(scope="module")
def plain(daemon: Tgtd) -> TgtTarget:
    return daemon.add_target("iqn.2026-01.example:probe-plain", [LunSpec(1 << 20)])


@pytest.fixture(scope="module")
def locked(daemon: Tgtd) -> TgtTarget:
    return daemon.add_target("iqn.2026-01.example:probe-chap", [LunSpec(1 << 20)], chap=ACCOUNT)


def probe(wanted: SessionSpec, *, asking: bool) -> Probed:
    async def body() -> Probed:
        async with supervisor() as (boss, run_dir):
            found = await boss.probe(wanted, wanted.portals[0], no_step, asking=asking)
            assert list(run_dir.iterdir()) == []
            return found

    return asyncio.run(body())


def test_which_sign_in_is_asked_for(plain: TgtTarget, locked: TgtTarget) -> None:
    for target, expected in ((plain, "none"), (locked, "chap")):
        found = probe(spec(target), asking=True)
        assert (found.sign_in, found.problem) == (expected, None)
        assert [stage.name for stage in found.stages] == ["connected", "security", "sign-in"]


def test_a_whole_login_stage_by_stage(plain: TgtTarget, locked: TgtTarget) -> None:
    found = probe(spec(plain), asking=False)
    assert found.problem is None
    names = ["connected", "security", "operational", "full-feature", "logout"]
    assert [stage.name for stage in found.stages] == names
    times = [stage.time for stage in found.stages]
    assert times == sorted(times)
    found = probe(spec(locked), asking=False)
    assert found.problem is None
    # tgtd selects SHA-256 and cannot do it: once more with what is left (login/machine.py, fallback)
    assert [stage.name for stage in found.stages][-6:] == [
        "security", "challenge", "proof", "operational", "full-feature", "logout",
    ]  # fmt: skip


def test_where_it_ends(plain: TgtTarget, locked: TgtTarget) -> None:
    wrong = replace(spec(locked), secrets=Secrets("another secret at all"))
    found = probe(wrong, asking=False)
    assert found.problem is not None
    assert found.problem.code == "AuthenticationFailed"
    assert found.stages[-1].name == "proof"
    nowhere = replace(spec(plain), target_name="iqn.2026-01.example:nowhere")
    found = probe(nowhere, asking=True)
    assert found.problem is not None
    assert found.problem.code == "TargetNotFound"
    closed = replace(spec(plain), portals=(Portal("127.0.0.1", procs.free_port()),))
    found = probe(closed, asking=True)
    assert found.problem is not None
    assert (found.problem.code, found.stages) == ("ConnectionRefused", [])


def test_a_session_that_is_up_stays_up(daemon: Tgtd, plain: TgtTarget) -> None:
    """A login with the same ISID would end it (RFC 7143, 6.3.5); a probe has its own."""

    async def body() -> None:
        async with supervisor() as (boss, _):
            wanted = spec(plain)
            session = await boss.open_session(wanted, recorder := Recorder(), no_step)
            for asking in (True, False):
                found = await boss.probe(wanted, wanted.portals[0], no_step, asking=asking)
                assert found.problem is None
            await session.rescan()
            assert (session.state, session.reconnects, recorder.ends) == ("connected", 0, [])
            await session.logout()

    asyncio.run(body())
