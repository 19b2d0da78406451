# SPDX-License-Identifier: Apache-2.0
"""No command of these tests finds a keyring."""

from __future__ import annotations

from typing import Any

import pytest
from lundock.helper.api.errors import Problem


class Absent:
    """A machine without a keyring."""

    def __init__(self, *_: object) -> None:
        pass

    def __getattr__(self, _name: str) -> Any:
        from concurrent.futures import Future

        def absent(*_: object) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(Problem("SecretsUnavailable", target="", detail="none"))
            return future

        return absent


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lundock.app.commands.signing.Keyring", Absent)
