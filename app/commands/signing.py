# SPDX-License-Identifier: Apache-2.0
"""How to sign in, from options, the record, the keyring, or a person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import click

from ...helper.api.errors import Problem
from .. import text
from ..client import operations
from ..client.client import Client
from ..client.objects import Portal, Target
from ..secrets import Keyring
from .common import ask, read_secret
from .options import Run
from .output import say

Decorator = Callable[[Any], Any]
Result = TypeVar("Result")

#: How often a person is asked for a secret before the refusal is the answer.
TRIES = 3
#: What another secret may mend: whether it is the target's own one.
_REFUSED = {"AuthenticationFailed": False, "TargetNotAuthenticated": True, "SecretReused": True}

_NAMES = (
    click.option("--user", "--chap-name", "chap_name", metavar="NAME", help="Sign in (CHAP) under this name."),
    click.option(
        "--target-user", "--target-chap-name", "target_chap_name", metavar="NAME",
        help="The target must prove itself, too, under this name (mutual CHAP).",
    ),
)  # fmt: skip
_METHOD = (
    click.option(
        "--sign-in", "method", type=click.Choice(["none", "chap", "mutual"]), help="How; else as the names say."
    ),
)  # fmt: skip
_OWN = (
    click.option(
        "--secret-file", metavar="FILE", help="Read our secret from the first line of FILE (- is standard input)."
    ),
    click.option("--secret-fd", metavar="N", type=int, help="Read our secret from this descriptor."),
)
_THEIRS = (
    click.option(
        "--target-secret-file", metavar="FILE", help="Read the target's own secret from the first line of FILE."
    ),
    click.option(
        "--target-secret-fd", metavar="N", type=int, help="Read the target's own secret from this descriptor."
    ),
)


def _add(*options: Decorator) -> Decorator:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


#: The names of a sign-in, for what is saved.
name_options = _add(*_NAMES, *_METHOD)
#: Names and secrets, for what is done now.
sign_in_options = _add(*_NAMES, *_OWN, *_THEIRS)


def sign_in_of(
    chap_name: str | None, target_chap_name: str | None, method: str | None
) -> operations.SignIn | None:  # fmt: skip
    """Return the sign-in that the options mean, None when they say nothing."""
    if not (chap_name or target_chap_name or method):
        return None
    usual = "mutual" if target_chap_name else "chap"
    return operations.SignIn(method or usual, chap_name or "", target_chap_name or "")


class Given:
    """What the options of `sign_in_options` say."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.chap_name: str | None = values["chap_name"]
        self.target_chap_name: str | None = values["target_chap_name"]
        self.secret = read_secret(values["secret_file"], values["secret_fd"], "--secret-file")
        self.target_secret = read_secret(
            values["target_secret_file"], values["target_secret_fd"], "--target-secret-file"
        )

    @property
    def anything(self) -> bool:
        """Whether anything was said."""
        return any(
            x is not None for x in (self.chap_name, self.target_chap_name, self.secret, self.target_secret)
        )  # fmt: skip

    def sign_in(self, saved: operations.SignIn) -> operations.SignIn:
        """Return what is meant, where `saved` is what the record says."""
        if not self.anything:
            return saved
        mutual = self.target_secret is not None or self.target_chap_name is not None or saved.method == "mutual"
        return operations.SignIn(
            "mutual" if mutual else "chap",
            saved.chap_name if self.chap_name is None else self.chap_name,
            saved.target_chap_name if self.target_chap_name is None else self.target_chap_name,
        )

    async def secrets(
        self, run: Run, sign_in: operations.SignIn, title: str, keyring_name: str = ""
    ) -> operations.Secrets | None:
        """Return what the sign-in needs: as given, from the keyring, or typed. Problem when that is not possible."""
        if sign_in.method == "none":
            return None
        found = operations.Secrets(self.secret or "", self.target_secret or "")
        if not found.secret and keyring_name:
            found = await _from_keyring(keyring_name) or found
        mutual = sign_in.method == "mutual"
        if not found.secret and run.interactive:
            found = _ask_anew(found, title, theirs=False)
        if mutual and not found.target_secret and run.interactive:
            found = _ask_anew(found, title, theirs=True)
        if not found.secret or (mutual and not found.target_secret):
            # The service asks its caller's agent next, and we have none: say so here, where it can be said better.
            option = "--target-secret-file" if found.secret else "--secret-file"
            detail = f"Give it with {option} or {option.replace('-file', '-fd')}."
            raise Problem("SecretsUnavailable", target=title, detail=detail)
        return found


def _ask_anew(secrets: operations.Secrets | None, title: str, *, theirs: bool) -> operations.Secrets:
    """Ask a person for one of the two secrets; the other one stays."""
    kept = secrets or operations.Secrets()
    if theirs:
        return replace(kept, target_secret=ask(f"The target's own secret ({title})", secret=True))
    return replace(kept, secret=ask(f"Secret for {title}", secret=True))


@dataclass(frozen=True, slots=True)
class SignedIn(Generic[Result]):
    """What came of it, and the sign-in with which it went well."""

    result: Result
    sign_in: operations.SignIn
    secrets: operations.Secrets | None


@dataclass
class Attempts:
    """Does what signs in. A person at a terminal whose secret is refused is told why and asked again; nobody else is.

    `title` and `keyring_name` are the target's; `named`: the person has typed the name, too, and may type another.
    """

    run: Run
    given: Given
    title: str
    keyring_name: str = ""
    named: bool = False

    async def __call__(
        self,
        sign_in: operations.SignIn,
        work: Callable[[operations.SignIn, operations.Secrets | None], Awaitable[Result]],
    ) -> SignedIn[Result]:
        """Do `work` with the secrets that it needs, TRIES times at most."""
        secrets = await self.given.secrets(self.run, sign_in, self.title, self.keyring_name)
        for left in reversed(range(TRIES)):
            try:
                return SignedIn(await work(sign_in, secrets), sign_in, secrets)
            except Problem as problem:
                if not left or not self._mended_by_asking(problem):
                    raise
                why = text.explain(problem)
                say(f"{why.summary} {why.action}")
                if self.named and problem.code == "AuthenticationFailed":
                    sign_in = replace(sign_in, chap_name=ask("Name to sign in with", sign_in.chap_name))
                secrets = _ask_anew(secrets, self.title, theirs=_REFUSED[problem.code])
        raise AssertionError  # the last attempt returns or raises

    def _mended_by_asking(self, problem: Problem) -> bool:
        """Whether another secret may help, and a person can be asked; one from a file or a descriptor stays."""
        if problem.code not in _REFUSED or not self.run.interactive:
            return False
        return (self.given.target_secret if _REFUSED[problem.code] else self.given.secret) is None


def saved_sign_in(record: Target) -> operations.SignIn:
    """Return what a record says."""
    return operations.SignIn(record.sign_in, record.chap_name, record.target_chap_name)


def saved_portal_sign_in(kept: Portal) -> operations.SignIn:
    """Return what a kept address says."""
    return operations.SignIn(kept.sign_in, kept.chap_name, kept.target_chap_name)


async def _from_keyring(name: str) -> operations.Secrets | None:
    try:
        return await asyncio.wrap_future(Keyring().get(name))
    except Problem:
        return None


async def keep_secrets(name: str, secrets: operations.Secrets) -> None:
    """Put secrets into the keyring."""
    await asyncio.wrap_future(Keyring().store(name, secrets))


async def forget_secrets(name: str) -> None:
    """Take secrets out of the keyring; where there is none, there is nothing in it."""
    try:
        await asyncio.wrap_future(Keyring().forget(name))
    except Problem:
        return


async def ask_to_sign_in(client: Client) -> operations.SignIn:
    """Ask a person for the name to sign in with."""
    return operations.SignIn("chap", ask("Name to sign in with", client.snapshot.manager.initiator_name))
