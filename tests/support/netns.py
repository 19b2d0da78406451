# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces with a wire between them: what leaves by which interface, and what a pulled wire does."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from tools import traces

from . import need, procs


@dataclass(frozen=True, slots=True)
class End:
    """One end: run programs in it with ``procs.start([*end.prefix, "program", ...])``."""

    namespace: str
    interface: str
    address: str
    address6: str

    @property
    def prefix(self) -> list[str]:
        """The words before a command that is to run there."""
        return [need.program("ip"), "netns", "exec", self.namespace]

    def link(self, *, up: bool) -> None:
        """Plug the wire in, or pull it."""
        procs.run("ip", "-n", self.namespace, "link", "set", self.interface, "up" if up else "down")


@contextlib.contextmanager
def wire() -> Iterator[tuple[End, End]]:
    """Make two namespaces joined by a veth pair (10.99.0.1/2 and fd99::1/2). For root only (skips otherwise)."""
    need.root()
    need.program("ip")
    tag = traces.NAMESPACE + secrets.token_hex(1)
    ends = tuple(
        End(f"{tag}{side}", f"{side}0{tag}"[:15], f"10.99.0.{n}", f"fd99::{n}") for n, side in ((1, "a"), (2, "b"))
    )
    made: list[str] = []
    try:
        for end in ends:
            added = procs.try_run("ip", "netns", "add", end.namespace)
            if added.returncode:
                need.pytest.skip(f"network namespaces cannot be made: {added.stderr.strip()}")
            made.append(end.namespace)
        _connect(*ends)
        yield ends[0], ends[1]
    finally:
        for name in made:
            procs.run("ip", "netns", "del", name)


def _connect(left: End, right: End) -> None:
    peer = ("peer", "name", right.interface, "netns", right.namespace)
    procs.run("ip", "-n", left.namespace, "link", "add", left.interface, "type", "veth", *peer)
    for end in (left, right):
        inside = ("ip", "-n", end.namespace)
        procs.run(*inside, "link", "set", "lo", "up")
        procs.run(*inside, "addr", "add", f"{end.address}/24", "dev", end.interface)
        procs.run(*inside, "addr", "add", f"{end.address6}/64", "dev", end.interface, "nodad")
        end.link(up=True)
