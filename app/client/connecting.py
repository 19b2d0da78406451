# SPDX-License-Identifier: Apache-2.0
"""Connecting to a target that may not be saved yet, in two pieces of work for the wizard: `probe`, then `connect`.

A record that `probe` made for this and that came to nothing is for the caller to remove; `connect` removes its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...helper.api.errors import Problem
from . import operations
from .client import Client, Step, no_step
from .operations import Secrets, SignIn

#: Mounts what is on a device; returns where.
Mount = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Probed:
    """A target's record, whether it was made for this, and which sign-in the target asks for."""

    target: str
    made: bool
    sign_in: str


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be done when it is connected, and how the record is to be kept."""

    startup: str = "manual"
    attach: bool = True
    mount: bool = True
    method: str = "auto"
    read_only: bool = False

    @property
    def startup_disks(self) -> str:
        """What is to be done with the disks whenever it connects by itself (settings.toml)."""
        if self.startup == "manual" or not self.attach:
            return "nothing"
        return "mount" if self.mount else "attach"


@dataclass(frozen=True, slots=True)
class Connected:
    """What came of it. `problems`: disks that could not be attached or mounted, by path."""

    target: str
    luns: tuple[str, ...]
    problems: Mapping[str, Problem] = field(default_factory=dict)


async def probe(client: Client, name: str, portals: Sequence[Mapping[str, Any]], *, on_step: Step = no_step) -> Probed:
    """Save the target unless it is saved, and ask it which sign-in it wants; a record made for a failure goes again."""
    path, made = await _record(client, name, portals)
    try:
        return Probed(path, made, await operations.probe(client, path, on_step))
    except BaseException:
        await take_back(client, path, made=made)
        raise


async def connect(
    client: Client,
    name: str,
    portals: Sequence[Mapping[str, Any]],
    *,
    sign_in: SignIn,
    secrets: Secrets | None,
    options: Options,
    mount: Mount | None = None,
    on_step: Step = no_step,
) -> Connected:
    """Save the target unless it is saved, connect, and attach and mount its disks as the options say.

    The sign-in that worked is put in the record.
    """
    path, made = await _record(client, name, portals)
    try:
        await _save_options(client, path, options)
        _session, luns = await operations.login(client, path, sign_in=sign_in, secrets=secrets, on_step=on_step)
    except BaseException:
        await take_back(client, path, made=made)
        raise
    await _save_sign_in(client, path, sign_in)
    problems = await _attach_all(client, luns, options, mount, on_step) if options.attach else {}
    # Last: from then on whoever watches mounts what comes.
    await _save_settings(client, path, (("startup_disks", options.startup_disks, "nothing"),))
    return Connected(path, luns, problems)


async def diagnose(
    client: Client,
    name: str,
    portals: Sequence[Mapping[str, Any]],
    *,
    sign_in: SignIn,
    secrets: Secrets | None,
    on_step: Step = no_step,
) -> Mapping[str, Any]:
    """Find out why a target does not work, saved or not; a record made for this goes again."""
    path, made = await _record(client, name, portals)
    try:
        return await operations.diagnose(client, path, sign_in=sign_in, secrets=secrets, on_step=on_step)
    finally:
        await take_back(client, path, made=made)


async def take_back(client: Client, path: str, *, made: bool) -> None:
    """Remove a record that was made for what came to nothing."""
    if made:
        with contextlib.suppress(Problem):
            await operations.remove_target(client, path)


async def _record(client: Client, name: str, portals: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    for target in client.snapshot.targets.values():
        if target.name == name:
            return target.path, False
    return await operations.add_target(client, name, portals), True


async def _save_options(client: Client, path: str, options: Options) -> None:
    record = client.snapshot.targets.get(path)
    startup = {"startup": options.startup} if options.startup != (record.startup if record else "manual") else {}
    wanted = (("attach_method", options.method, "auto"), ("read_only", options.read_only, False))
    await _save_settings(client, path, wanted, **startup)


async def _save_settings(client: Client, path: str, wanted: Sequence[tuple[str, Any, Any]], **more: Any) -> None:
    """Save what is different: names, values, and what they are where nothing is saved; and `more` of Target.Update."""
    record = client.snapshot.targets.get(path)
    saved: Mapping[str, Any] = record.settings if record is not None else {}
    settings = {name: value for name, value, usual in wanted if saved.get(name, usual) != value}
    if settings or more:
        await operations.update_target(client, path, more | ({"settings": settings} if settings else {}))


async def _save_sign_in(client: Client, path: str, sign_in: SignIn) -> None:
    record = client.snapshot.targets.get(path)
    saved = (record.sign_in, record.chap_name, record.target_chap_name) if record else ("none", "", "")
    if saved != (sign_in.method, sign_in.chap_name, sign_in.target_chap_name):
        await operations.update_target(client, path, sign_in.options())


async def _attach_all(
    client: Client, luns: Sequence[str], options: Options, mount: Mount | None, on_step: Step
) -> dict[str, Problem]:
    problems: dict[str, Problem] = {}
    for path in luns:
        lun = await operations.wait_for(client, path)
        if not lun.usable:
            continue
        try:
            device = lun.device
            if not device:
                device = (await operations.attach(client, path, method=options.method, on_step=on_step)).device
            if options.mount and mount is not None and device.startswith("/dev/"):
                await mount(device)
        except Problem as problem:
            problems[path] = problem
    return problems
