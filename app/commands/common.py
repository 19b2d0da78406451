# SPDX-License-Identifier: Apache-2.0
"""What a subcommand does with the bus: a client for its coroutine, the text agent beside it, secrets."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from ...helper.api.errors import Problem
from ..client.client import Client
from . import agent
from .options import Run
from .output import say

MAX_SECRET = 4096


Work = Callable[..., Coroutine[Any, Any, None]]


def on_bus(function: Work, *, endless: bool = False) -> Callable[..., None]:
    """Run the coroutine `function(run, client, ...)` with a client. Ctrl-C cancels it, and the job it waits for.

    `endless`: it goes on until Ctrl-C, which is then its proper end.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        run = click.get_current_context().ensure_object(Run)
        try:
            asyncio.run(_with_client(run, function, args, kwargs))
        except (KeyboardInterrupt, asyncio.CancelledError):
            if not endless:
                raise Problem("Cancelled") from None

    return wrapper


def until_ctrl_c(function: Work) -> Callable[..., None]:
    """As `on_bus`, for what goes on until Ctrl-C."""
    return on_bus(function, endless=True)


async def _with_client(run: Run, function: Work, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    task = asyncio.current_task()
    if task is not None and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    client = Client(run.where)
    try:
        with agent.text_agent(run.where):
            await client.open(start=True)
            await function(run, client, *args, **kwargs)
    finally:
        await client.close()


def read_secret(file: str | None, fd: int | None, what: str) -> str | None:
    """Read a secret from a file ("-" is standard input) or a descriptor: its first line; None when neither is given."""
    if file is None and fd is None:
        return None
    try:
        if fd is not None:
            with os.fdopen(fd, "rb", closefd=False) as stream:
                data = stream.readline(MAX_SECRET + 1)
        elif file == "-":
            data = sys.stdin.buffer.readline(MAX_SECRET + 1)
        else:
            with Path(str(file)).open("rb") as stream:
                data = stream.readline(MAX_SECRET + 1)
        secret = data.rstrip(b"\r\n").decode()
    except OSError as error:
        raise Problem("InvalidArgument", argument=what, detail=f"It cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Problem("InvalidArgument", argument=what, detail="It is not text.") from None
    if not secret or len(data) > MAX_SECRET:
        raise Problem("InvalidArgument", argument=what, detail="It is empty, or too long.")
    return secret


def ask(words: str, default: str | None = None, *, secret: bool = False) -> str:
    """Ask a person on the terminal; Problem("Cancelled") when the person does not want to answer."""
    try:
        return str(click.prompt(words, default=default, hide_input=secret, err=True))
    except click.Abort:
        say("")
        raise Problem("Cancelled") from None


def sure(run: Run, question: str, *, yes: bool) -> None:
    """Have a person agree to what cannot be undone; where nobody can be asked, --yes has to be given."""
    if yes:
        return
    if not run.interactive:
        raise click.UsageError("Nobody can be asked here: add --yes if that is meant.")
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        say("")
        agreed = False
    if not agreed:
        raise Problem("Cancelled")
