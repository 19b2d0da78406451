# SPDX-License-Identifier: Apache-2.0
"""`lundock stats`: counters and rates, once or again and again; what `lundock watch` draws, too."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import click

from .. import text
from ..client import operations
from ..client.client import Client
from ..model.rates import Rate, Rates
from . import shapes
from .common import until_ctrl_c
from .options import Run, common_options
from .output import emit, table

COLUMNS = ("Disk", ">Read", ">Write", ">Reads/s", ">Writes/s", ">Read p50/p99", ">Write p50/p99", ">Queue", ">Errors")
NOTHING = "No disks: nothing is connected."

#: The shortest time between two looks, in seconds.
INTERVAL = click.FloatRange(0.25, 3600)


@dataclass
class Look:
    """What was seen: FIGURES, and the rates they come from."""

    client: Client
    rates: Rates = field(default_factory=Rates)
    figures: dict[str, Any] = field(default_factory=dict)

    async def again(self) -> None:
        """Look."""
        statistics = await operations.statistics(self.client)
        self.rates.take(statistics, time.monotonic())
        self.figures = self._figures(statistics)

    def _figures(self, statistics: dict[str, dict[str, Any]]) -> dict[str, Any]:
        snapshot = self.client.snapshot
        sessions, disks = [], []
        for path, values in sorted(statistics.items()):
            own = {"path": path} | shapes.keys(values)
            if path in snapshot.luns:
                lun = snapshot.luns[path]
                named = {"target": self._name(lun.target), "lun": lun.lun}
                disks.append(own | named | _rates(self.rates.of(path)))
            elif path in snapshot.sessions:
                mine = [lun.path for lun in snapshot.luns.values() if lun.session == path]
                named = {"target": self._name(snapshot.sessions[path].target)}
                sessions.append(own | named | _rates(self.rates.sum_of(mine)))
        return {"time": int(time.time() * 1e6), "sessions": sessions, "luns": disks}

    def _name(self, path: str) -> str:
        record = self.client.snapshot.targets.get(path)
        return record.name if record else ""

    def rows(self) -> list[list[str]]:
        """Return a row a disk, for COLUMNS."""
        return [self._row(row) for row in self.disks()]

    def disks(self) -> list[dict[str, Any]]:
        """Return the figures of disks, without those of a device's own controllers."""
        luns = self.client.snapshot.luns
        return [row for row in self.figures.get("luns", ()) if row["path"] in luns and luns[row["path"]].kind == "disk"]

    def title(self, row: dict[str, Any]) -> str:
        """Return what a person calls the disk of a row."""
        lun = self.client.snapshot.luns.get(row["path"])
        record = self.client.snapshot.targets.get(lun.target) if lun else None
        return f"{record.title if record else row['target']}/{row['lun']}"

    def _row(self, row: dict[str, Any]) -> list[str]:
        now = self.rates.of(row["path"]) or Rate()
        return [
            self.title(row),
            text.rate(now.read),
            text.rate(now.write),
            f"{now.read_ops:.0f}",
            f"{now.write_ops:.0f}",
            latency(row.get("read_latency")),
            latency(row.get("write_latency")),
            str(row.get("in_flight", 0)),
            str(row.get("errors", 0)),
        ]


def _rates(rate: Rate | None) -> dict[str, float | None]:
    if rate is None:
        return {"read_rate": None, "write_rate": None}
    return {"read_rate": round(rate.read, 1), "write_rate": round(rate.write, 1)}


def latency(values: Any) -> str:
    """Return a latency's median and 99th percentile: of the last moments where there are any, else since the login."""
    if not isinstance(values, dict) or not values.get("count"):
        return "-"
    recent = "recent_" if values.get("recent_count") else ""
    median, worst = (text.microseconds(values.get(f"{recent}{which}", 0)) for which in ("p50", "p99"))
    return f"{median} / {worst}"


async def print_on(run: Run, client: Client, interval: float, count: int) -> None:
    """Print a look again and again: FIGURES a line, or tables."""
    look = Look(client)
    await look.again()
    looks = 0
    while not count or looks < count:
        await asyncio.sleep(interval)
        await look.again()
        looks += 1
        if run.json:
            emit(look.figures)
        else:
            table(run, COLUMNS, look.rows(), NOTHING)


@click.command()
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C; on a terminal as `lundock watch` does.")
@click.option("--interval", default=1.0, type=INTERVAL, metavar="SECONDS", help="From one look to the next (1).")
@click.option("--count", default=0, type=click.IntRange(0), metavar="N", help="End after so many looks.")
@common_options
@until_ctrl_c
async def stats(run: Run, client: Client, watch: bool, interval: float, count: int) -> None:
    """Show what is read and written on each disk: rates, latency (median and 99th percentile), queue, errors."""
    if watch and not count and not run.json and run.out.is_terminal:
        from .watching import draw_on

        await draw_on(run, client, interval)
    elif watch or count:
        await print_on(run, client, interval, count)
    else:
        await print_on(run, client, min(interval, 0.5), 1)
