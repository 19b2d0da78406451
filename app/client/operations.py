# SPDX-License-Identifier: Apache-2.0
"""What can be asked of the helper, each a coroutine with plain arguments. Raise Problem; nothing else comes out."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ...helper.api import contract
from ...helper.api.errors import Problem
from ...helper.api.names import JOB, LUN, MANAGER, PORTAL, ROOT_PATH, SESSION, TARGET
from ...helper.api.values import Descriptor
from .client import Client, Step, no_step
from .link import as_paths
from .objects import Lun, Portal, Target, portal_text

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_PORT = re.compile(r"\d{1,5}", re.ASCII)
MAX_ADDRESS = 300


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a sign-in needs besides names. Never printed."""

    secret: str = field(default="", repr=False)
    target_secret: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.secret or self.target_secret)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How to sign in: "none", "chap" or "mutual", and the names; empty names are the usual ones."""

    method: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""

    def options(self) -> dict[str, str]:
        """Return it as options of Login, Discover, AddTarget and Update."""
        return {"sign-in": self.method, "chap-name": self.chap_name, "target-chap-name": self.target_chap_name}


@dataclass(frozen=True, slots=True)
class Found:
    """A target that an address offers."""

    name: str
    portals: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Attached:
    """How a disk was attached."""

    device: str
    method: str
    reason: str


def parse_portal(text: str) -> dict[str, Any]:
    """Return "name", "name:port", "192.0.2.5" or "[2001:db8::5]:3260" as a portal. Raises Problem("AddressInvalid")."""
    text = text.strip()
    bad = Problem("AddressInvalid", address=text[:MAX_ADDRESS])
    if not text or len(text) > MAX_ADDRESS or not text.isprintable() or " " in text:
        raise bad
    if text.startswith("["):
        host, close, rest = text[1:].partition("]")
        if not close or (rest and not rest.startswith(":")):
            raise bad
        port = rest[1:] if rest else "3260"
    elif text.count(":") > 1:
        host, port = text, "3260"
    else:
        host, colon, port = text.partition(":")
        port = port if colon else "3260"
    if not host or not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise bad
    return {"address": host, "port": int(port), "portal-group": -1}


def secrets_descriptor(secrets: Secrets) -> Descriptor:
    """Return a sealed descriptor with the JSON that Target.Login wants."""
    members = {"secret": secrets.secret, "target-secret": secrets.target_secret}
    body = json.dumps({k: v for k, v in members.items() if v}, ensure_ascii=False).encode()
    if len(body) > 4096:
        raise Problem("InvalidArgument", argument="secret", detail="It is too long.")
    descriptor = Descriptor(os.memfd_create("secrets", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    os.write(descriptor.fileno(), body)
    os.lseek(descriptor.fileno(), 0, os.SEEK_SET)
    fcntl.fcntl(descriptor.fileno(), fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


async def _with_secrets(
    client: Client,
    path: str,
    interface: str,
    method: str,
    *args: Any,
    options: dict[str, Any],
    secrets: Secrets | None,
    on_step: Step,
) -> Mapping[str, Any]:
    """Run a job whose options may have secrets; returns its details."""
    if not secrets:
        return await client.job(path, interface, method, *args, options, on_step=on_step)
    descriptor = secrets_descriptor(secrets)
    try:
        whole = options | {"secrets": descriptor}
        return await client.job(path, interface, method, *args, whole, on_step=on_step)
    finally:
        descriptor.close()


async def discover(
    client: Client,
    address: str,
    *,
    interface: str = "",
    sign_in: SignIn | None = None,
    secrets: Secrets | None = None,
    settings: Mapping[str, Any] | None = None,
    reach: bool = False,
    to_save: bool = False,
    on_step: Step = no_step,
) -> tuple[Found, ...]:
    """Ask an address for its targets.

    With `reach` each portal is tried, and says whether it is "reachable"; with `to_save` the right to save one is asked
    for at once: a person is asked for a password once, and not for each of the two.
    """
    values: dict[str, Any] = {"interface": interface} if interface else {}
    values |= {word: True for word, on in (("reach", reach), ("to-save", to_save)) if on}
    if sign_in is not None and sign_in.method != "none":
        values |= sign_in.options()
    if settings:
        values["settings"] = dict(settings)
    details = await _with_secrets(
        client, ROOT_PATH, MANAGER, "Discover", address, options=values, secrets=secrets, on_step=on_step
    )
    targets = details.get("targets", [])
    return tuple(Found(str(t.get("name", "")), tuple(t.get("portals", ()))) for t in targets if isinstance(t, dict))


async def add_target(
    client: Client,
    name: str,
    portals: Sequence[Mapping[str, Any]],
    *,
    alias: str = "",
    startup: str = "",
    interface: str = "",
    sign_in: SignIn | None = None,
    settings: Mapping[str, Any] | None = None,
) -> str:
    """Save a target; returns its path."""
    values: dict[str, Any] = {}
    if startup:
        values["startup"] = startup
    if alias:
        values["alias"] = alias
    if interface:
        values["interface"] = interface
    if sign_in is not None and sign_in.method != "none":
        values |= sign_in.options()
    if settings:
        values["settings"] = dict(settings)
    return str(await client.call(ROOT_PATH, MANAGER, "AddTarget", name, [_saved(p) for p in portals], values))


def _saved(portal: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a portal: whether it was reachable is known anew each time."""
    return {key: value for key, value in portal.items() if key != "reachable"}


async def set_initiator_name(client: Client, name: str) -> None:
    """Change this computer's iSCSI name."""
    await client.call(ROOT_PATH, MANAGER, "SetInitiatorName", name, {})


async def set_initiator_alias(client: Client, alias: str) -> None:
    """Change the readable name that goes with it; empty: the host's name."""
    await client.call(ROOT_PATH, MANAGER, "SetInitiatorAlias", alias, {})


async def diagnose(
    client: Client,
    where: str,
    *,
    interface: str = "",
    sign_in: SignIn | None = None,
    secrets: Secrets | None = None,
    on_step: Step = no_step,
) -> Mapping[str, Any]:
    """Find out why an address, or the target whose path it is, does not work; returns the job's details."""
    values: dict[str, Any] = {"interface": interface} if interface else {}
    if sign_in is not None and sign_in.method != "none":
        values |= sign_in.options()
    call = (where, TARGET, "Diagnose") if where.startswith("/") else (ROOT_PATH, MANAGER, "Diagnose", where)
    return await _with_secrets(client, *call, options=values, secrets=secrets, on_step=on_step)


async def add_portal(
    client: Client, address: str, *, interval: int = 0, interface: str = "", sign_in: SignIn | None = None
) -> str:
    """Keep an address; returns its path."""
    values: dict[str, Any] = {"interval": interval} if interval else {}
    if interface:
        values["interface"] = interface
    if sign_in is not None and sign_in.method != "none":
        values |= sign_in.options()
    return str(await client.call(ROOT_PATH, MANAGER, "AddPortal", address, values))


async def refresh_portal(
    client: Client, portal: str, *, secrets: Secrets | None = None, on_step: Step = no_step
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Look at a kept address now; returns the records of what it names, and those that are new."""
    details = await _with_secrets(client, portal, PORTAL, "Refresh", options={}, secrets=secrets, on_step=on_step)
    return as_paths(details.get("found")), as_paths(details.get("new"))


async def update_portal(client: Client, portal: str, changes: Mapping[str, Any]) -> None:
    """Change a kept address; the changes' names are Portal.Update's."""
    await client.call(portal, PORTAL, "Update", dict(changes), {})


async def remove_portal(client: Client, portal: str, *, forget_targets: bool = False) -> None:
    """Keep an address no longer."""
    await client.call(portal, PORTAL, "Remove", {"forget-targets": True} if forget_targets else {})


async def open_nbd(client: Client, lun: str, *, read_only: bool = False) -> Descriptor:
    """Return a socket that speaks NBD for a disk."""
    found: Descriptor = await client.call(lun, LUN, "OpenNbd", {"read-only": True} if read_only else {})
    return found


async def update_target(client: Client, target: str, changes: Mapping[str, Any]) -> None:
    """Change a record; the changes' names are Target.Update's."""
    await client.call(target, TARGET, "Update", dict(changes), {})


async def remove_target(client: Client, target: str) -> None:
    """Forget a record."""
    await client.call(target, TARGET, "Remove", {})


async def probe(client: Client, target: str, on_step: Step = no_step) -> str:
    """Ask a target which sign-in it wants: "none" or "chap"."""
    details = await client.job(target, TARGET, "Probe", {}, on_step=on_step)
    return str(details.get("sign-in", "none"))


async def login(
    client: Client,
    target: str,
    *,
    sign_in: SignIn | None = None,
    secrets: Secrets | None = None,
    on_step: Step = no_step,
) -> tuple[str, tuple[str, ...]]:
    """Connect; returns the session and its disks. `sign_in` is for this login only, None is as saved."""
    values = dict(sign_in.options()) if sign_in is not None else {}
    details = await _with_secrets(client, target, TARGET, "Login", options=values, secrets=secrets, on_step=on_step)
    return str(details.get("session", "")), as_paths(details.get("luns"))


async def login_all(client: Client, targets: Sequence[str], *, at_once: int = 8) -> dict[str, Problem | None]:
    """Connect to several, a few at a time and each as saved; returns what went wrong with each. What is connected
    already is well.
    """
    turn = asyncio.Semaphore(at_once)

    async def one(target: str) -> Problem | None:
        async with turn:
            try:
                await login(client, target)
            except Problem as problem:
                return None if problem.code == "AlreadyConnected" else problem
            return None

    return dict(zip(targets, await asyncio.gather(*map(one, targets)), strict=True))


async def logout(client: Client, target: str, on_step: Step = no_step, *, force: bool = False) -> None:
    """Eject a target's disks and disconnect; `force` as in `eject`."""
    await client.job(target, TARGET, "Logout", {"force": True} if force else {}, on_step=on_step)


async def rescan(client: Client, session: str, on_step: Step = no_step) -> None:
    """Ask the target for its disks again."""
    await client.job(session, SESSION, "Rescan", {}, on_step=on_step)


async def attach(
    client: Client, lun: str, *, method: str = "auto", read_only: bool = False, on_step: Step = no_step
) -> Attached:
    """Make a disk a device."""
    details = await client.job(lun, LUN, "Attach", {"method": method, "read-only": read_only}, on_step=on_step)
    return Attached(*(str(details.get(key, "")) for key in ("device", "method", "reason")))


async def eject(client: Client, lun: str, on_step: Step = no_step, *, force: bool = False) -> None:
    """Write out what is pending and take the device away; `force`: whoever uses it, and whatever is lost by it."""
    await client.job(lun, LUN, "Eject", {"force": True} if force else {}, on_step=on_step)


@cache
def can_force() -> bool:
    """Whether the contract that is installed here lets a disk be taken away by force."""
    options = contract.interfaces()[LUN].methods["Eject"].inputs[-1].keys
    return options is None or "force" in options


async def statistics(client: Client) -> dict[str, dict[str, Any]]:
    """Return every counter, by session's and disk's path."""
    found = await client.call(ROOT_PATH, MANAGER, "GetStatistics", {})
    return {str(path): dict(values) for path, values in found.items()}


async def events(client: Client, *, since: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
    """Return the timeline, oldest first."""
    found = await client.call(ROOT_PATH, MANAGER, "GetEvents", since, {"limit": limit})
    return [dict(event) for event in found]


async def cancel(client: Client, job: str) -> None:
    """Stop a job."""
    await client.call(job, JOB, "Cancel", {})


def find_target(targets: Mapping[str, Target], words: str) -> Target:
    """Return the one target that `words` means: name, alias, number, or a part that only one has.

    Raises Problem("NotFound"), or Problem("InvalidArgument") when several have it.
    """
    everything = sorted(targets.values(), key=lambda t: t.number)
    for test in (
        lambda t: t.name == words,
        lambda t: words.isascii() and words.isdigit() and t.number == int(words),
        lambda t: bool(t.alias) and t.alias.casefold() == words.casefold(),
        lambda t: bool(words) and (words.casefold() in t.name.casefold() or words.casefold() in t.alias.casefold()),
    ):
        found = [t for t in everything if test(t)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(t.name for t in found[:5])
            raise Problem("InvalidArgument", argument="TARGET", detail=f"Several targets fit “{words}”: {names}.")
    raise Problem("NotFound", what=f"target “{words}”")


def find_portal(portals: Mapping[str, Portal], words: str) -> Portal:
    """Return the kept address that `words` means: the address itself, its number, or a part that only one has."""
    everything = sorted(portals.values(), key=lambda p: p.number)
    for test in (
        lambda p: p.address.casefold() == words.casefold(),
        lambda p: words.isascii() and words.isdigit() and p.number == int(words),
        lambda p: bool(words) and words.casefold() in p.address.casefold(),
    ):
        found = [p for p in everything if test(p)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(f"{p.number} ({p.address})" for p in found[:5])
            raise Problem("InvalidArgument", argument="ADDRESS", detail=f"Several addresses fit “{words}”: {names}.")
    raise Problem("NotFound", what=f"kept address “{words}”")


def find_lun(luns: Mapping[str, Lun], targets: Mapping[str, Target], words: str) -> Lun:
    """Return the disk that `words` means: its device, "target/lun", its serial or WWN, or the target's only disk."""
    for lun in luns.values():
        if words and words in {lun.device, lun.serial, lun.wwn, lun.path}:
            return lun
    name, slash, number = words.rpartition("/")
    target = find_target(targets, name if slash else words)
    of_target = [lun for lun in luns.values() if lun.target == target.path]
    disks = [lun for lun in of_target if lun.kind == "disk"]
    if not of_target and not target.connected:
        raise Problem("NotConnected", target=target.title)
    if not slash:
        if len(disks) == 1:
            return disks[0]
        numbers = ", ".join(f"{words}/{lun.lun}" for lun in sorted(disks, key=lambda x: x.address)[:8])
        if not disks:
            raise Problem("NotFound", what=f"disk of “{target.title}”")
        raise Problem("InvalidArgument", argument="DISK", detail=f"The target has several disks: {numbers}.")
    for lun in of_target:
        if number in {str(lun.lun), lun.address}:
            return lun
    raise Problem("NoSuchLun", lun=number)


async def wait_for(client: Client, lun: str, *, seconds: float = 2.0) -> Lun:
    """Return the view of a disk that a job named; its InterfacesAdded may be a moment behind."""
    deadline = asyncio.get_running_loop().time() + seconds
    while lun not in client.snapshot.luns:
        if asyncio.get_running_loop().time() > deadline:
            raise Problem("NotFound", what=lun)
        await asyncio.sleep(0.02)
    return client.snapshot.luns[lun]


def reachable(portal: Mapping[str, Any]) -> bool:
    """Whether a portal can be reached, as far as is known."""
    return bool(portal.get("reachable", True))


def portals_text(portals: Sequence[Mapping[str, Any]]) -> str:
    """Return portals on one line."""
    return ", ".join(portal_text(portal) for portal in portals)
