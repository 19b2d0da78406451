# SPDX-License-Identifier: Apache-2.0
"""`lundock nbd`: a disk on a Unix socket, for programs that speak NBD. The bytes go through, unread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from urllib.parse import quote

import click

from ...helper.api.errors import Problem
from ..client import operations
from ..client.client import Client
from ..client.objects import Lun
from . import shapes
from .common import until_ctrl_c
from .naming import DISK
from .options import Run, common_options
from .output import emit, say, tell

_PIECE = 1 << 18
#: Programs at once; each is a connection of its own.
_MOST = 16


@click.command()
@click.argument("disk", type=DISK)
@click.option("--unix", "path", required=True, metavar="PATH", help="The socket to make; only this user may connect.")
@click.option("--read-only", is_flag=True, help="Let nobody write.")
@common_options
@until_ctrl_c
async def nbd(run: Run, client: Client, disk: str, path: str, read_only: bool) -> None:
    """Serve DISK on the socket PATH, until Ctrl-C, for programs that read and write it without a device.

    \b
    For example:
      lundock nbd Backup --unix /tmp/backup.sock --read-only &
      nbdcopy nbd+unix:///?socket=/tmp/backup.sock backup.img
    """
    lun = operations.find_lun(client.snapshot.luns, client.snapshot.targets, disk)
    (await operations.open_nbd(client, lun.path, read_only=read_only)).close()  # what is refused is refused now
    gate = Gate(client, lun, read_only=read_only)
    server = await _listen(path, gate)
    try:
        _tell(run, client, lun, path)
        await client.wait_closed()
        raise Problem("HelperUnavailable")
    finally:
        server.close()
        gate.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - at the end, when nothing waits for the loop any more


async def _listen(path: str, gate: Gate) -> asyncio.Server:
    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(gate.serve, path, limit=_PIECE)
    except (OSError, ValueError) as error:
        detail = f"A socket cannot be made there: {getattr(error, 'strerror', '') or error}."
        raise Problem("InvalidArgument", argument="--unix", detail=detail) from None
    finally:
        os.umask(before)


def _tell(run: Run, client: Client, lun: Lun, path: str) -> None:
    uri = f"nbd+unix:///?socket={quote(str(Path(path).absolute()))}"
    if run.json:
        emit({"lun": shapes.lun(lun, client.snapshot), "uri": uri})
    else:
        tell(run, uri)
        say(f"Serving {lun.title} there; Ctrl-C ends it.")


class Gate:
    """Joins each program that connects with a connection to the disk."""

    def __init__(self, client: Client, lun: Lun, *, read_only: bool) -> None:
        self._client = client
        self._lun = lun
        self._read_only = read_only
        self._serving: set[asyncio.Task[None] | None] = set()

    def close(self) -> None:
        """Let everybody go."""
        for task in self._serving:
            if task is not None:
                task.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one program."""
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            if len(self._serving) <= _MOST:
                await self._join(reader, writer)
        except Problem as problem:
            say(f"A program was sent away: {problem}")
        except (ConnectionError, asyncio.CancelledError):
            pass  # it has gone, or we go
        finally:
            self._serving.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = await operations.open_nbd(self._client, self._lun.path, read_only=self._read_only)
        sock = socket.socket(fileno=found.take())
        far_reader, far_writer = await asyncio.open_unix_connection(sock=sock, limit=_PIECE)
        ways = [asyncio.ensure_future(_pump(reader, far_writer)), asyncio.ensure_future(_pump(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
