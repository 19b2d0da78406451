# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from lundock.helper.api.contract import interfaces

ROOT = Path(__file__).parents[4]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dbus_docs", ROOT / "tools" / "dbus_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_xml_says(tool: ModuleType) -> None:
    assert tool.PAGE.read_text("utf-8") == tool.page(), "run: python tools/dbus_docs.py"


def test_every_member_and_argument_is_described(tool: ModuleType) -> None:
    for name in tool.ORDER:
        for text, element in tool.members(tool.INTERFACES / f"{name}.xml"):
            what = f"{name}.{element.get('name')}"
            assert "since: 1.0" in " ".join(text.body) or element.tag in ("interface", "signal"), what
            if element.tag in ("method", "signal") and what != "Manager.Event":
                described = set(text.arguments)
                assert described == {arg.get("name") for arg in element.findall("arg")}, what


def test_no_interface_is_left_out(tool: ModuleType) -> None:
    assert {name.rpartition(".")[2] for name in interfaces()} == set(tool.ORDER)
