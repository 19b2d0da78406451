# SPDX-License-Identifier: Apache-2.0
"""Telling when the network changes: links, addresses and routes as the kernel reports them (rtnetlink(7))."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

log = logging.getLogger(__name__)

#: linux/rtnetlink.h: RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE.
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
#: Seconds of quiet that are waited for: a change is told in a dozen messages, and DHCP takes its time.
_SETTLE = 0.5
#: The longest that is waited when it never gets quiet.
_AT_LAST = 5.0
_PIECE = 65536


class NetworkWatch:
    """Calls back when something has changed. What exactly is not told: who wants to know tries again."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._sock: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0

    def start(self) -> None:
        """Begin. Where the kernel tells nothing, nothing is ever called."""
        try:
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        except OSError as error:
            log.warning("changes of the network cannot be seen: %s", error)
            return
        try:
            sock.setblocking(False)
            sock.bind((0, _GROUPS))
        except OSError as error:
            sock.close()
            log.warning("changes of the network cannot be seen: %s", error)
            return
        self._sock = sock
        asyncio.get_running_loop().add_reader(sock, self._readable)

    def close(self) -> None:
        """End it; a second time does nothing."""
        if self._timer is not None:
            self._timer.cancel()
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock)
            self._sock.close()
            self._sock = None

    def _readable(self) -> None:
        if self._sock is None:
            return
        try:
            for _ in range(64):
                self._sock.recv(_PIECE)
        except BlockingIOError:
            pass
        except OSError:  # ENOBUFS: more changed than could be told
            log.debug("changes of the network were lost", exc_info=True)
        self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._since = loop.time()
        else:
            self._timer.cancel()
        self._timer = loop.call_at(min(loop.time() + _SETTLE, self._since + _AT_LAST), self._settled)

    def _settled(self) -> None:
        self._timer = None
        self._callback()
