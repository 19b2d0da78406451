# SPDX-License-Identifier: Apache-2.0
"""Pages that are made from something else are fresh, and say what the table says."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
from lundock.helper.api.settings import table

from tools import docs, settings_docs


@pytest.mark.parametrize("generator", docs.GENERATORS, ids=lambda generator: generator.PAGE.name)
def test_page_is_fresh(generator: ModuleType) -> None:
    assert generator.PAGE.read_text("utf-8") == generator.page(), "run: ./dev docs"


def test_every_page_with_a_generator_is_written() -> None:
    """A page that says that it is made has a generator in ./dev docs."""
    made = {
        path.name for path in settings_docs.PAGE.parent.glob("*.md") if "<!-- Made by tools/" in path.read_text("utf-8")
    }
    assert made == {generator.PAGE.name for generator in docs.GENERATORS}


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
