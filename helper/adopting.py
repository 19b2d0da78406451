# SPDX-License-Identifier: Apache-2.0
"""What a worker of an earlier helper hands over, checked: a worker reads the network, and may have been taken over."""

from __future__ import annotations

import os
import stat

from .api import control, sealed
from .api.control import Message, close_all
from .api.errors import Problem
from .api.statistics import SIZE
from .sealing import is_sealed

#: linux/miscdevice.h: /dev/fuse.
_FUSE = os.makedev(10, 229)


class HandedOver:
    """Takes the messages "hello" and "handed"; the descriptors are whoever's takes them out of here."""

    def __init__(self) -> None:
        self.fronts: dict[int, int] = {}
        self.page = -1
        self.secrets = -1
        #: The highest number of a front that there is, of whatever kind.
        self.last_front = 0
        self._version = 0
        self._role = ""

    def hello(self, message: Message) -> None:
        """Take what the worker says of itself."""
        self._version, self._role = message["version"], message["role"]
        self.last_front = max((one["front"] for one in message["fronts"]), default=0)

    def take(self, message: Message) -> None:
        """Take a descriptor, if it is what it is said to be."""
        number = message.descriptors.get("descriptor", -1)
        what, front = message["what"], message["front"]
        if not _CHECKS[what](number):
            return  # closed with the message
        if what == "front" and front and front not in self.fronts:
            self.fronts[front] = number
        elif what == "statistics" and self.page < 0:
            self.page = number
        elif what == "secrets" and self.secrets < 0:
            self.secrets = number
        else:
            return
        message.take("descriptor")

    def check(self, *, wants_secrets: bool) -> None:
        """Raise Problem("EngineDied") unless everything is there that the session cannot go on without."""
        whole = self._version == control.VERSION and self._role == "session" and self.page >= 0
        if not whole or (wants_secrets and self.secrets < 0):
            raise Problem("EngineDied")

    def close(self) -> None:
        """Close everything."""
        close_all([number for number in (*self.fronts.values(), self.page, self.secrets) if number >= 0])
        self.fronts.clear()
        self.page = self.secrets = -1


def _is_fuse(number: int) -> bool:
    found = os.fstat(number)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == _FUSE


def _is_page(number: int) -> bool:
    return is_sealed(number) and os.fstat(number).st_size == SIZE


def _is_secret(number: int) -> bool:
    return is_sealed(number) and os.fstat(number).st_size <= sealed.SIZE


_CHECKS = {"front": _is_fuse, "statistics": _is_page, "secrets": _is_secret}
