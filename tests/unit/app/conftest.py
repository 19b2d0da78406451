# SPDX-License-Identifier: Apache-2.0
"""What the app's tests share: a service to talk to, a keyring in memory, windows that need no display."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from support.fake_helper import RunningFake, running_fake


@pytest.fixture
def fake() -> Iterator[RunningFake]:
    """A service with the contract's face on a bus of its own."""
    with running_fake() as running:
        yield running
