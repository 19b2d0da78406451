# SPDX-License-Identifier: Apache-2.0
"""Every error of the list is one that something raises. That tests bring it about is looked at when all of them have
run (conftest.py, with support/raised.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lundock.helper.api.errors import catalogue

ROOT = Path(__file__).parents[4]


def _texts(*folders: str) -> str:
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py") if file != Path(__file__)]
    return "\n".join(file.read_text("utf-8") for file in files)


@pytest.fixture(scope="module")
def source() -> str:
    return _texts("helper", "app")


@pytest.mark.parametrize("code", catalogue())
def test_something_raises_it(code: str, source: str) -> None:
    """A login status is raised by its number (engine/login/status.py)."""
    assert catalogue()[code].rfc or re.search(rf"[\"']{code}[\"']", source)
