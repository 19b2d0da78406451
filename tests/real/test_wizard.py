# SPDX-License-Identifier: Apache-2.0
"""“Connect to a target” through Qt with the real helper and a real target, in every branch."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

pytest.importorskip("PySide6")

from lundock.app.client import operations
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.app.flows.connect import Step
from lundock.app.ui import theme
from lundock.app.ui.connect_dialog import ConnectDialog
from lundock.helper.target.config import Account, DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server
from PySide6.QtWidgets import QApplication
from support.helper import HelperProcess, running_helper
from support.window import Bench

NAME = "iqn.2026-01.io.github.lundock.test:"
DISK = (DiskConfig(size=1 << 20),)
OURS, THEIRS = Account("anna", "our-secret-of-16"), Account("box", "their-secret-16b")


@pytest.fixture(scope="module")
def helper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelperProcess]:
    """One for all: each test forgets its targets at its end."""
    with running_helper(tmp_path_factory.mktemp("helper")) as process:
        yield process


@pytest.fixture
def bench(qtbot: Any, qapp: QApplication, helper: HelperProcess) -> Iterator[Bench]:
    theme.apply(qapp, dark=False)
    made = Bench(qtbot, SimpleNamespace(address=helper.bus))
    assert not made.bus.snapshot_now.targets, "an earlier test left them"
    yield made
    made.window.close()
    made.bus.stop()
    asyncio.run(forget_all(helper.bus))


async def forget_all(address: str) -> None:
    async with Client(Where("address", address)) as client:
        for target in list(client.snapshot.targets.values()):
            if target.connected:
                await operations.logout(client, target.path)
            await operations.remove_target(client, target.path)


def serving(*targets: TargetConfig, **more: Any) -> Server:
    return Server(ServerConfig(targets=targets, **more))


def plain(name: str = "plain", **more: Any) -> TargetConfig:
    return TargetConfig(NAME + name, DISK, **more)


def looked(bench: Bench, address: str) -> ConnectDialog:
    """Open the wizard and look at the address, to the end of it."""
    dialog = bench.window.connect_to_target()
    bench.go_from_address(dialog, address)
    bench.until(lambda: dialog.flow.step is not Step.LOOKING)
    return dialog


def chosen(bench: Bench, address: str, name: str) -> ConnectDialog:
    """As `looked`, and take the target; what it asks for is known then."""
    dialog = looked(bench, address)
    dialog.choose.list.setCurrentRow([found.name for found in dialog.flow.found].index(NAME + name))
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is not Step.ASKING)
    return dialog


def connect(bench: Bench, dialog: ConnectDialog, secret: str = "", target_secret: str = "") -> None:
    """Go on from what was chosen until it is connected or refused. The disk itself is not attached."""
    if dialog.flow.step is Step.SIGN_IN:
        dialog.form.name.setText(OURS.name)
        dialog.form.secret.field.setText(secret)
        dialog.form.mutual.setChecked(bool(target_secret))
        dialog.form.target_secret.field.setText(target_secret)
        bench.click(dialog._go)
    assert dialog.flow.step is Step.OPTIONS
    dialog.options.attach.setChecked(False)
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is not Step.CONNECTING)


def finish(bench: Bench, dialog: ConnectDialog) -> None:
    assert dialog.flow.step is Step.DONE, dialog.flow.problem
    assert len(dialog.done_page.cards) == 1
    bench.click(dialog._go)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "connected")
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "disconnected")


def test_one_target_without_a_sign_in(bench: Bench) -> None:
    with serving(plain()) as server:
        dialog = chosen(bench, server.address, "plain")
        connect(bench, dialog)
        finish(bench, dialog)


def test_one_of_fifty(bench: Bench) -> None:
    with serving(*(plain(f"disk-{number:02}") for number in range(50))) as server:
        dialog = looked(bench, server.address)
        assert dialog.choose.list.count() == 50
        dialog.choose.search.setText("disk-37")
        bench.click(dialog._go)
        bench.until(lambda: dialog.flow.step is Step.OPTIONS)
        connect(bench, dialog)
        finish(bench, dialog)
        assert bench.window.target is not None
        assert bench.window.target.name == f"{NAME}disk-37"


def test_signing_in_wrongly_then_rightly(bench: Bench) -> None:
    with serving(plain("chap", chap=OURS)) as server:
        dialog = chosen(bench, server.address, "chap")
        connect(bench, dialog, "not-the-secret-1")
        assert dialog.flow.step is Step.SIGN_IN
        assert "refused the name or the secret" in bench.words(dialog._banner)
        assert bench.bus.snapshot_now.manager.initiator_name in bench.words(dialog._banner), "for the administrator"
        connect(bench, dialog, OURS.secret)
        finish(bench, dialog)


def test_the_target_proves_itself_or_is_not_believed(bench: Bench) -> None:
    with serving(plain("mutual", chap=OURS, mutual=THEIRS)) as server:
        dialog = chosen(bench, server.address, "mutual")
        connect(bench, dialog, OURS.secret, "someone-elses-16")
        assert dialog.flow.step is Step.SIGN_IN
        assert dialog.flow.problem is not None
        assert dialog.flow.problem.code == "TargetNotAuthenticated"
        connect(bench, dialog, OURS.secret, THEIRS.secret)
        finish(bench, dialog)


def test_a_device_that_asks_before_it_says_what_it_offers_is_told_once(bench: Bench) -> None:
    with serving(plain("behind"), discovery_chap=OURS) as server:
        for secret in ("not-the-secret-1", OURS.secret, ""):
            dialog = looked(bench, server.address)
            assert dialog.flow.step is Step.SIGN_IN
            assert server.address in dialog._sentence.text()
            dialog.form.name.setText(OURS.name)
            if secret:  # the last time nothing is typed: the keyring has it
                dialog.form.secret.field.setText(secret)
            bench.until(dialog._go.isEnabled)
            bench.click(dialog._go)
            bench.until(lambda dialog=dialog: dialog.flow.step is not Step.LOOKING)
            expected = Step.SIGN_IN if secret.startswith("not") else Step.CHOOSE
            assert dialog.flow.step is expected
            if expected is Step.SIGN_IN:
                assert "refused the name or the secret" in bench.words(dialog._banner)
                assert not bench.memory.kept
            else:
                bench.until(lambda: OURS.secret in bench.memory.kept.values())
            bench.click(dialog._cancel)
            bench.until(lambda: not bench.window.findChildren(ConnectDialog))


def test_a_redirection_is_followed(bench: Bench) -> None:
    with serving(plain("moved")) as there, serving(plain("moved", redirect=there.address)) as here:
        dialog = chosen(bench, here.address, "moved")
        connect(bench, dialog)
        assert len(there.sessions) == 1
        assert not here.sessions
        finish(bench, dialog)


def test_a_portal_that_cannot_be_reached_is_not_in_the_way(bench: Bench) -> None:
    """The target announces a dead portal first; the one that answers is taken."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        dead = held.getsockname()[1]
    with serving(plain("two")) as server:
        port = server.address.rpartition(":")[2]
    announced = (f"127.0.0.1:{dead},1", f"127.0.0.1:{port},1")
    with serving(plain("two"), listen=(("127.0.0.1", int(port)),), announce=announced) as server:
        dialog = chosen(bench, server.address, "two")
        assert [portal["port"] for portal in dialog.flow.found[0].portals] == [int(port), dead]
        assert f"does not answer: 127.0.0.1:{dead}" in dialog.choose.list.item(0).text()
        connect(bench, dialog)
        finish(bench, dialog)


def test_nothing_listens_there(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    dialog = looked(bench, f"127.0.0.1:{port}")
    assert dialog.flow.step is Step.ADDRESS
    assert f"127.0.0.1 refuses connections on port {port}" in bench.words(dialog._banner)
    assert dialog.address.address.text() == f"127.0.0.1:{port}"


def test_only_computers_on_its_list(bench: Bench) -> None:
    """A target that does not know this computer; its name is there to be copied for the administrator."""
    with serving(plain("listed", initiators=("iqn.2026-01.org.example:other",))) as server:
        dialog = bench.window.connect_to_target()
        dialog.start_with(server.address, f"{NAME}listed")
        bench.click(dialog._go)
        bench.until(lambda: dialog.flow.step is not Step.ASKING)
        assert dialog.flow.problem is not None
        assert dialog.flow.problem.code in {"AuthorizationFailed", "TargetNotFound"}
        assert bench.bus.snapshot_now.manager.initiator_name in bench.words(dialog._banner)


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("step", [Step.LOOKING, Step.ASKING])
def test_cancelled_while_the_device_is_silent(bench: Bench, step: Step) -> None:
    with silent() as address:
        dialog = bench.window.connect_to_target()
        dialog.start_with(address, f"{NAME}silent" if step is Step.ASKING else "")
        bench.click(dialog._go)
        bench.until(lambda: dialog.flow.step is step and dialog.steps.reached == "login")
        bench.click(dialog._cancel)
        bench.until(lambda: not bench.window.findChildren(ConnectDialog))
        bench.until(lambda: not bench.bus.snapshot_now.targets)
        bench.until(lambda: all(job.finished for job in bench.bus.snapshot_now.jobs.values()))


@pytest.mark.parametrize("step", [Step.CHOOSE, Step.SIGN_IN, Step.OPTIONS])
def test_cancelled_where_something_is_asked(bench: Bench, step: Step) -> None:
    with serving(plain("chap", chap=OURS)) as server:
        dialog = looked(bench, server.address)
        if step is not Step.CHOOSE:
            bench.click(dialog._go)
            bench.until(lambda: dialog.flow.step is Step.SIGN_IN)
        if step is Step.OPTIONS:
            dialog.form.secret.field.setText(OURS.secret)
            bench.click(dialog._go)
        assert dialog.flow.step is step
        bench.click(dialog._cancel)
        bench.until(lambda: not bench.window.findChildren(ConnectDialog))
        bench.until(lambda: not bench.bus.snapshot_now.targets)
        assert not server.sessions
