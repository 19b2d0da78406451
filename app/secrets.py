# SPDX-License-Identifier: Apache-2.0
"""Secrets in the person's keyring, asked from a thread of their own and never waited for without a deadline.

A keyring may be absent, locked, or ask the person and be dismissed; its library then blocks or raises one of several
errors. Here each of these is Problem("SecretsUnavailable") with the reason in words, and a secret that is simply not
stored is None.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from ..helper.api.errors import Problem
from ..helper.api.names import APP_ID
from .client.operations import Secrets
from .words import mark, tr

#: How long the keyring may take, including the time in which the person unlocks it.
DEADLINE = 60.0


class Backend(Protocol):
    """What is needed of the module `keyring`."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return a password, None when there is none."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password."""

    def delete_password(self, service: str, username: str) -> None:
        """Take a password out."""


_REASONS = {
    "NoKeyringError": mark("This computer has no keyring."),
    "KeyringLocked": mark("The keyring is locked."),
    "InitError": mark("The question to open the keyring was closed."),
    "PasswordSetError": mark("The keyring did not take the secret."),
    "PasswordDeleteError": mark("The keyring has no such secret."),
    "ModuleNotFoundError": mark("The keyring's library is not installed."),
    "PromptDismissedException": mark("The question to open the keyring was closed."),
}


def _service(target: str) -> str:
    return f"{APP_ID}: {target}"


class Keyring:
    """The keyring's thread. Every method returns at once, with a future."""

    def __init__(self, backend: Backend | None = None, *, deadline: float = DEADLINE) -> None:
        self._backend = backend
        self._deadline = deadline
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def get(self, target: str) -> Future[Secrets | None]:
        """Ask for the secrets of a target (its iSCSI name); None when none are stored."""

        def work(backend: Backend) -> Secrets | None:
            found = Secrets(
                backend.get_password(_service(target), "secret") or "",
                backend.get_password(_service(target), "target-secret") or "",
            )
            return found or None

        return self._submit(work, target)

    def store(self, target: str, secrets: Secrets) -> Future[None]:
        """Keep the secrets of a target."""

        def work(backend: Backend) -> None:
            for username, value in (("secret", secrets.secret), ("target-secret", secrets.target_secret)):
                if value:
                    backend.set_password(_service(target), username, value)
                elif backend.get_password(_service(target), username) is not None:
                    backend.delete_password(_service(target), username)

        return self._submit(work, target)

    def forget(self, target: str) -> Future[None]:
        """Take the secrets of a target out."""

        def work(backend: Backend) -> None:
            for username in ("secret", "target-secret"):
                if backend.get_password(_service(target), username) is not None:
                    backend.delete_password(_service(target), username)

        return self._submit(work, target)

    def _submit(self, work: Callable[[Backend], Any], target: str) -> Future[Any]:
        future: Future[Any] = Future()
        timer = threading.Timer(
            self._deadline,
            _fail,
            (future, Problem("SecretsUnavailable", target=target, detail=tr("The keyring is silent."))),
        )
        timer.daemon = True
        future.add_done_callback(lambda _done: timer.cancel())

        def run() -> None:
            try:
                result = work(self._backend or _keyring())
            except Exception as error:  # noqa: BLE001 - backends raise whatever they like; the reason is kept, its text is not
                detail = tr(_REASONS.get(type(error).__name__, mark("The keyring failed.")))
                _fail(future, Problem("SecretsUnavailable", target=target, detail=detail))
            else:
                if not future.done():
                    future.set_result(result)

        timer.start()
        self._work.put(run)
        self._start()
        return future

    def _start(self) -> None:
        if self._thread is None:
            # A daemon: a keyring that never answers must not keep the program from ending.
            self._thread = threading.Thread(target=self._run, name="keyring", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            self._work.get()()


def _fail(future: Future[Any], problem: Problem) -> None:
    if not future.done():
        future.set_exception(problem)


def _keyring() -> Backend:
    import keyring

    return keyring


def generate(length: int = 16) -> str:
    """Return a random secret of letters and digits that nobody confuses (RFC 7143, 9.2.1 asks for random ones)."""
    import secrets

    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(length))


def advice(secret: str, other: str = "") -> str:
    """Return what is to be said about a secret while it is typed; empty when nothing is."""
    if not secret:
        return ""
    if other and secret == other:
        return tr("The two directions need different secrets.")
    if len(secret.encode()) < 12:
        return tr("Short: 12 to 16 characters are advised.")
    if len(secret) > 16:
        return tr("Long: some targets take no more than 16 characters.")
    return ""
