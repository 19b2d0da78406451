# SPDX-License-Identifier: Apache-2.0
"""Fixtures shared by all tests, and what is checked after the last one."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import itertools
import re
from collections.abc import Iterator

import pytest
from support.tgtd import Tgtd

_names = itertools.count(1)


@pytest.fixture(scope="session")
def tgtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tgtd]:
    """One tgtd for all tests: make targets of your own name in it (`target_name`), do not stop it."""
    with Tgtd(tmp_path_factory.mktemp("tgtd")) as daemon:
        yield daemon


@pytest.fixture
def own_tgtd(tmp_path: Path) -> Iterator[Tgtd]:
    """A tgtd for one test, to stop, restart or set discovery accounts on."""
    with Tgtd(tmp_path / "tgtd") as daemon:
        yield daemon


@pytest.fixture
def target_name(request: pytest.FixtureRequest) -> str:
    """A target's name that no other test has."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60]
    return f"iqn.2026-01.io.github.lundock.test:{words}.{next(_names)}"
