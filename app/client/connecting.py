# SPDX-License-Identifier: Apache-2.0
"""Connecting to a target that may not be saved yet: one piece of work for the wizard. All or nothing for the record."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...helper.api.errors import Problem
from . import operations
from .client import Client, Step, no_step
from .operations import Secrets, SignIn


@dataclass(frozen=True, slots=True)
class Connected:
    """What came of it. `problems`: disks that could not be attached, by path."""

    target: str
    luns: tuple[str, ...]
    problems: Mapping[str, Problem]


async def connect(
    client: Client,
    name: str,
    portals: Sequence[Mapping[str, Any]],
    *,
    sign_in: SignIn,
    secrets: Secrets | None,
    attach: bool,
    on_step: Step = no_step,
) -> Connected:
    """Save the target unless it is saved, connect, and attach its disks when asked to.

    A record that was made for this is forgotten when it does not work. The sign-in that worked is put in the record.
    """
    path, made = await _record(client, name, portals)
    try:
        _session, luns = await operations.login(client, path, sign_in=sign_in, secrets=secrets, on_step=on_step)
    except BaseException:
        if made:
            with contextlib.suppress(Problem):
                await operations.remove_target(client, path)
        raise
    await _save_sign_in(client, path, sign_in)
    problems = await _attach_all(client, luns, on_step) if attach else {}
    return Connected(path, luns, problems)


async def _record(client: Client, name: str, portals: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    for target in client.snapshot.targets.values():
        if target.name == name:
            return target.path, False
    return await operations.add_target(client, name, portals), True


async def _save_sign_in(client: Client, path: str, sign_in: SignIn) -> None:
    record = client.snapshot.targets.get(path)
    saved = (record.sign_in, record.chap_name, record.target_chap_name) if record else ("none", "", "")
    if saved != (sign_in.method, sign_in.chap_name, sign_in.target_chap_name):
        await operations.update_target(client, path, sign_in.options())


async def _attach_all(client: Client, luns: Sequence[str], on_step: Step) -> dict[str, Problem]:
    problems: dict[str, Problem] = {}
    for path in luns:
        lun = await operations.wait_for(client, path)
        if not lun.usable or lun.device:
            continue
        try:
            await operations.attach(client, path, on_step=on_step)
        except Problem as problem:
            problems[path] = problem
    return problems
