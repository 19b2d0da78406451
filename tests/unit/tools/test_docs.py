# SPDX-License-Identifier: Apache-2.0
"""Pages that are made from something else are fresh, and say what the table says."""

from __future__ import annotations

import re
import subprocess

import pytest
from lundock.app.commands import shapes
from lundock.helper.api.errors import catalogue
from lundock.helper.api.settings import table
from support import need

from tools import command_docs, docs, man_docs, settings_docs


@pytest.mark.parametrize("generator", docs.GENERATORS, ids=lambda generator: generator.PAGE.name)
def test_page_is_fresh(generator: docs.Generator) -> None:
    assert generator.PAGE.read_text("utf-8") == generator.page(), "run: ./dev docs"


def test_every_page_with_a_generator_is_written() -> None:
    """A page that says that it is made has a generator in ./dev docs."""
    made = {
        path.name for path in settings_docs.PAGE.parent.glob("*.md") if "<!-- Made by tools/" in path.read_text("utf-8")
    }
    assert made == {generator.PAGE.name for generator in docs.GENERATORS if generator.PAGE.suffix == ".md"}


def test_every_command_has_its_shape_help_and_options_on_the_page() -> None:
    page = command_docs.page()
    names = re.findall(r"^### lundock (.+)$", page, re.MULTILINE)
    assert sorted(names) == sorted(shapes.OUTPUT), "each command has a shape, and each shape a command"
    for name in names:
        assert page.count(f"| `{name}` | `{{") + page.count(f"| `{name}` | `FIGURES") == 1
    for info in catalogue().values():
        assert f"| {info.exit} | {info.code} |" in page


def test_no_two_errors_have_one_exit_code() -> None:
    codes = [info.exit for info in catalogue().values()]
    assert len(set(codes)) == len(codes)
    assert all(1 < code < 126 for code in codes), "0 is good, 1 is Python's, from 126 on the shell's"


@pytest.mark.parametrize("page", man_docs.PAGES, ids=lambda page: page.PAGE.name)
def test_the_manual_is_good_roff(page: man_docs.Page) -> None:
    groff = need.program("groff")
    found = subprocess.run(
        [groff, "-ww", "-man", "-Kutf8", "-Tutf8", page.PAGE], capture_output=True, text=True, check=True
    )
    assert found.stderr == ""
    shown = re.sub(r".\x08|\x1b\[[0-9;]*m", "", found.stdout)
    assert "SYNOPSIS" in shown
    assert "--session" in shown or "--verbose" in shown
    assert "\\" not in shown


def test_every_setting_is_on_the_page() -> None:
    page = settings_docs.page()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
    assert rows.keys() == table().keys()
    for name, setting in table().items():
        cells = [cell.strip() for cell in rows[name].split("|")]
        assert cells[2:] == [setting.key, setting.rfc]
        assert f"**{name}**: {setting.help}\n" in page
        if setting.type == "int":
            assert str(setting.default) in cells[0]
            assert {str(setting.low), str(setting.high)} <= set(re.findall(r"-?\d+", cells[1]))
        else:
            assert set(setting.choices) <= set(re.findall(r"[\w-]+", cells[1]))
