# SPDX-License-Identifier: Apache-2.0
"""A session: command numbering over its connections, and the tasks that are on their way (RFC 7143, 4.2.2, 4.2.5)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .config import TargetConfig
from .keys import Agreed
from .pdu import Pdu
from .script import Script
from .sense import POWER_ON
from .unit import Unit, lun_number

if TYPE_CHECKING:
    from .connection import Connection

_SERIAL = 1 << 32


@dataclass
class Burst:
    """One R2T that is being answered."""

    offset: int
    length: int
    received: int = 0
    next_sn: int = 0


@dataclass
class Task:
    """A SCSI command on its way. For a write, `needed` bytes are gathered in `buffer` before it is executed."""

    connection: Connection
    command: Pdu
    needed: int = 0
    buffer: bytearray = field(default_factory=bytearray)
    received: int = 0
    unsolicited: bool = False  # more unsolicited Data-Out PDUs are to come
    unsolicited_sn: int = 0
    admitted: bool = False
    planned: bool = False
    plan: deque[tuple[int, int]] = field(default_factory=deque)
    bursts: dict[int, Burst] = field(default_factory=dict)
    r2t_sn: int = 0
    lost_data: bool = False  # a gap in DataSN: it ends with a CRC error once the sequence is over (7.8, 7.9)

    @property
    def itt(self) -> int:
        """Its tag."""
        return self.command.itt


class Session:
    """What several connections share. `number` is unlike any other session's and is the units' name for it."""

    def __init__(
        self,
        number: int,
        tsih: int,
        initiator: str,
        isid: int,
        target: TargetConfig | None,
        units: Mapping[int, Unit],
        agreed: Agreed,
        script: Script,
    ) -> None:
        self.number = number
        self.tsih = tsih
        self.initiator = initiator
        self.isid = isid
        self.target = target
        self.units = units
        self.agreed = agreed
        self.connections: dict[int, Connection] = {}
        self.tasks: dict[int, Task] = {}
        self.exp_cmd_sn = 0
        self._max_cmd_sn = 0
        self._script = script
        self._waiting: dict[int, Callable[[], None]] = {}
        self.lock = threading.RLock()

    @property
    def discovery(self) -> bool:
        """Whether it only wants the list of targets."""
        return self.target is None

    def begin(self, cmd_sn: int) -> None:
        """The login is done; commands begin at `cmd_sn`."""
        self.exp_cmd_sn = cmd_sn
        self._max_cmd_sn = (cmd_sn - 1) % _SERIAL
        first = POWER_ON if self.target and self.target.first_attention else None
        for unit in self.units.values():
            unit.attach(self.number, first)

    def end(self) -> None:
        """The session is gone: its tasks die silently."""
        with self.lock:
            self.tasks.clear()
            self._waiting.clear()
        for unit in self.units.values():
            unit.detach(self.number)

    def unit(self, lun: int) -> Unit | None:
        """Return the unit at an 8-byte LUN field."""
        number = lun_number(lun)
        return None if number is None else self.units.get(number)

    # -- numbering ---------------------------------------------------------------------------------------------
    def window(self) -> tuple[int, int]:
        """Return ExpCmdSN and MaxCmdSN to tell."""
        with self.lock:
            depth = self.target.queue_depth if self.target else 1
            proposed = (self.exp_cmd_sn + depth - 1) % _SERIAL
            self._max_cmd_sn = self._script.max_cmd_sn(self, proposed) % _SERIAL
            return self.exp_cmd_sn, self._max_cmd_sn

    def admit(self, pdu: Pdu, action: Callable[[], None]) -> None:
        """Run `action` in the order of command numbers: at once, later, or never when it is outside of the window."""
        with self.lock:
            ready = [action] if pdu.immediate else self._in_order(pdu.cmd_sn, action)
        for run in ready:
            run()

    def _in_order(self, number: int, action: Callable[[], None]) -> list[Callable[[], None]]:
        ahead = (number - self.exp_cmd_sn) % _SERIAL
        room = (self._max_cmd_sn - self.exp_cmd_sn) % _SERIAL
        if ahead > room or room >= _SERIAL // 2:
            return []  # 4.2.2.1: silently ignored
        self._waiting.setdefault(number, action)
        ready = []
        while self.exp_cmd_sn in self._waiting:
            ready.append(self._waiting.pop(self.exp_cmd_sn))
            self.exp_cmd_sn = (self.exp_cmd_sn + 1) % _SERIAL
        return ready

    # -- tasks -------------------------------------------------------------------------------------------------
    def drop_tasks(self, fits: Callable[[Task], bool]) -> int:
        """Forget tasks without an answer; returns how many."""
        with self.lock:
            gone = [itt for itt, task in self.tasks.items() if fits(task)]
            for itt in gone:
                del self.tasks[itt]
            return len(gone)
