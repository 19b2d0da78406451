# SPDX-License-Identifier: Apache-2.0
"""The words that complete an argument (test_completing.py has them in a real shell)."""

from __future__ import annotations

import click
import pytest
from click.shell_completion import CompletionItem
from lundock.app.commands import naming
from lundock.app.commands.options import Run
from support.fake_helper import IQN, RunningFake


def words(kind: naming.Known, run: Run, begun: str = "") -> list[str]:
    context = click.Context(click.Command("x"), obj=run)
    found: list[CompletionItem] = kind.shell_complete(context, click.Argument(["x"]), begun)
    return [one.value for one in found]


@pytest.fixture
def run(fake: RunningFake) -> Run:
    fake.connect(fake.add("backup", "Backup"))
    fake.add("media")
    return Run("address", fake.address)


def test_a_target_has_its_alias_and_its_name(run: Run) -> None:
    assert words(naming.TARGET, run) == ["Backup", IQN + "backup", IQN + "media"]
    assert words(naming.TARGET, run, "BACK") == ["Backup"], "whatever the case"


def test_only_disks_that_there_are_can_be_named(run: Run) -> None:
    assert words(naming.DISK, run) == ["Backup/0", "Backup/1"]


def test_settings_and_methods_are_known(run: Run) -> None:
    assert "read_only=" in words(naming.SETTING, run, "read")
    assert words(naming.METHOD, run)[0] == "auto"


def test_without_a_service_nothing_is_offered() -> None:
    assert words(naming.TARGET, Run("address", "unix:path=/nonexistent")) == []
