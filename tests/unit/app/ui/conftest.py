# SPDX-License-Identifier: Apache-2.0
"""A window on a service with the contract's face."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("PySide6")

from lundock.app.ui import theme
from PySide6.QtWidgets import QApplication
from support.fake_helper import RunningFake
from support.window import Bench, bench_on


@pytest.fixture
def bench(qtbot: Any, qapp: QApplication, fake: RunningFake) -> Iterator[Bench]:
    """The window, light, on a service of its own."""
    theme.apply(qapp, dark=False)
    with bench_on(qtbot, fake) as made:
        yield made
