# SPDX-License-Identifier: Apache-2.0
"""`lundock` in this process, on a service with the contract's face."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result
from lundock.app.cli import main
from lundock.helper.api.errors import catalogue

from .fake_helper import RunningFake


def lundock(fake: RunningFake, *arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["--bus", fake.address, *arguments], input=given)


def answer(fake: RunningFake, *arguments: str, given: str | None = None) -> Any:
    result = lundock(fake, "--json", *arguments, given=given)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def failure(fake: RunningFake, *arguments: str, given: str | None = None) -> str:
    result = lundock(fake, "--json", *arguments, given=given)
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == error["exit"] == catalogue()[error["code"]].exit
    assert error["summary"]
    assert error["action"]
    return str(error["code"])
