# SPDX-License-Identifier: Apache-2.0
"""What a person reads: tables that fit the terminal, colours that can be taken away; lines in a pipe."""

from __future__ import annotations

import re

import pytest
from lundock.app.commands import output
from lundock.app.commands.options import Run
from support.fake_helper import IQN, RunningFake
from support.terminal import ESCAPES, on_terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def lines_of(fake: RunningFake, columns: int, *words: str, **environ: str) -> tuple[list[str], str]:
    """Return what a command writes, as lines without colours, and as it is."""
    with on_terminal(fake, columns, *words, **environ) as terminal:
        assert terminal.end() == 0
        return ESCAPES.sub("", terminal.screen).split("\n"), terminal.screen


@pytest.mark.parametrize("columns", [120, 80, 40])
def test_a_table_is_never_wider_than_the_terminal_and_nothing_is_lost(fake: RunningFake, columns: int) -> None:
    fake.connect(fake.add("backup", "Backup"))
    lines, _ = lines_of(fake, columns, "targets")
    assert max(map(len, lines)) <= columns
    assert IQN + "backup" in "".join(line.strip() for line in lines).replace("Target", "")
    assert "● connected" in "\n".join(lines)
    assert ("\n".join(lines).count("Reached at"), len(lines) > 5) == (1, columns == 40)


def test_colours_can_be_taken_away(fake: RunningFake) -> None:
    fake.connect(fake.add("backup"))
    assert "32m" in "".join(COLOUR.findall(lines_of(fake, 80, "targets")[1])), "green, besides the shape"
    without = "".join(COLOUR.findall(lines_of(fake, 80, "targets", NO_COLOR="1")[1]))
    assert not re.search(r"[0-9;]*3[0-7]m", without)


def test_into_a_pipe_go_lines_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a\tb", 3, output.state_cell("connected")), ("c", "", output.Cell("odd"))]
    output.table(Run(), ("Name", ">Size", "State"), rows, "Nothing.")
    assert capsys.readouterr().out == "a b\t3\tconnected\nc\t\todd\n"
    output.table(Run(), ("Name",), [], "Nothing.")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "Nothing.\n")


def test_nothing_of_a_job_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress(Run(json=True), "Connecting"):
        pass
    assert capsys.readouterr().err == ""
