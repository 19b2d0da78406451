# SPDX-License-Identifier: Apache-2.0
"""Reads a program's accessibility tree as a screen reader does: AT-SPI over D-Bus, with the real registry.

    with accessibility() as tree:                      # an accessibility bus of its own
        run the program with os.environ | tree.environ | {"QT_QPA_PLATFORM": "xcb", "DISPLAY": ...}
        tree.until("Connect", role="button")           # waits for it; gives the one Node that fits and can be seen
        for node in tree.walk(): ...                   # every node, parents first; node.role, .name, .states, .box
        tree.text(node); tree.value(node); tree.act(node)

Qt offers its tree only on X and Wayland (not "offscreen"), and answers from the window's own thread: for a window in
the test's own process do not block that thread: ``answer = tree.soon(tree.look())``, and let Qt run until it is done().
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from tools.private_bus import private_bus

from . import need, procs

if sys.version_info < (3, 15):
    from dbus_next import Message, MessageType
    from dbus_next.aio import MessageBus
else:
    from dbus_fast import Message, MessageType
    from dbus_fast.aio import MessageBus

REGISTRY = "org.a11y.atspi.Registry"
ROOT = "/org/a11y/atspi/accessible/root"
PROPERTIES = "org.freedesktop.DBus.Properties"
ACCESSIBLE = "org.a11y.atspi.Accessible"
#: AtspiStateType, by its number.
STATES = (
    "invalid", "active", "armed", "busy", "checked", "collapsed", "defunct", "editable", "enabled", "expandable",
    "expanded", "focusable", "focused", "has-tooltip", "horizontal", "iconified", "modal", "multi-line",
    "multiselectable", "opaque", "pressed", "resizable", "selectable", "selected", "sensitive", "showing",
    "single-line", "stale", "transient", "vertical", "visible", "manages-descendants", "indeterminate", "required",
    "truncated", "animated", "invalid-entry", "supports-autocompletion", "selectable-text", "is-default", "visited",
    "checkable", "has-popup", "read-only",
)  # fmt: skip
#: A call that a busy window has not answered by then is an error.
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Node:
    """One thing of a window. `box`: x, y, width, height on the screen; `parent`: its number in the walk, -1: top."""

    owner: str
    path: str
    role: str
    name: str
    description: str
    states: frozenset[str]
    box: tuple[int, int, int, int]
    interfaces: frozenset[str]
    parent: int
    depth: int

    @property
    def seen(self) -> bool:
        """Whether it is on the screen."""
        return "showing" in self.states

    @property
    def middle(self) -> tuple[int, int]:
        """Where one would click."""
        x, y, width, height = self.box
        return x + width // 2, y + height // 2

    def __str__(self) -> str:
        notable = self.states & {"focused", "checked", "selected", "modal", "active"}
        off = () if "enabled" in self.states else ("disabled",)
        return "  " * self.depth + f"{self.role} “{self.name}” {' '.join(sorted(notable) + list(off))}".rstrip()


class Tree:
    """The trees of all programs on one accessibility bus."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._bus: MessageBus = self._now(self._connect())

    async def _connect(self) -> MessageBus:
        return await MessageBus(bus_address=self.address).connect()

    @property
    def environ(self) -> dict[str, str]:
        """What makes a Qt program offer its tree here."""
        return {"AT_SPI_BUS_ADDRESS": self.address, "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}

    def close(self) -> None:
        """Leave the bus."""
        self._now(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _disconnect(self) -> None:
        self._bus.disconnect()
        await self._bus.wait_for_disconnect()

    def soon(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Begin `work` (such as `look()`) without waiting for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _now(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.soon(work).result(PATIENCE * 2)

    # ---- looking

    def walk(self, *, seen: bool = False) -> list[Node]:
        """Return every node of every program, parents before their children, also what cannot be seen just now.

        With `seen` nothing below what is not on the screen: much quicker where pages lie behind each other.
        """
        found: list[Node] = self._now(self.look(seen=seen))
        return found

    async def look(self, *, seen: bool = False) -> list[Node]:
        """As `walk`, as a coroutine for `soon`."""
        tops = await self._call(REGISTRY, ROOT, ACCESSIBLE, "GetChildren")
        nodes: list[Node] = []
        for owner, path in tops or ():
            await self._look_below(nodes, owner, path, -1, 0, seen=seen)
        return nodes

    async def _look_below(
        self, nodes: list[Node], owner: str, path: str, parent: int, depth: int, *, seen: bool
    ) -> None:
        # What goes away while it is looked at is left out.
        children = self._call(owner, path, ACCESSIBLE, "GetChildren")
        node, below = await asyncio.gather(self._node(owner, path, parent, depth), children)
        if node is None:
            return
        if parent >= 0 and not nodes[parent].seen:  # the lines of a closed combo box say that they show
            node = replace(node, states=node.states - {"showing"})
        nodes.append(node)
        here = len(nodes) - 1
        if seen and depth > 0 and not node.seen:
            return
        for child_owner, child_path in below or ():
            if child_path != "/org/a11y/atspi/null":
                await self._look_below(nodes, child_owner, child_path, here, depth + 1, seen=seen)

    async def _node(self, owner: str, path: str, parent: int, depth: int) -> Node | None:
        role, bits, box, known, name, description = await asyncio.gather(
            self._call(owner, path, ACCESSIBLE, "GetRoleName"),
            self._call(owner, path, ACCESSIBLE, "GetState"),
            self._call(owner, path, "org.a11y.atspi.Component", "GetExtents", "u", 0),
            self._call(owner, path, ACCESSIBLE, "GetInterfaces"),
            self._call(owner, path, PROPERTIES, "Get", "ss", ACCESSIBLE, "Name"),
            self._call(owner, path, PROPERTIES, "Get", "ss", ACCESSIBLE, "Description"),
        )
        if role is None or bits is None or name is None or description is None:
            return None
        x, y, width, height = box or (0, 0, 0, 0)
        kinds = frozenset(str(word).rsplit(".", 1)[-1] for word in known or ())
        return Node(
            owner, path, role, name.value, description.value, _states(bits), (x, y, width, height), kinds, parent, depth
        )  # fmt: skip

    def find(self, name: str = "", role: str = "", *, enabled: bool = False) -> list[Node]:
        """Return what can be seen and fits: a part of the name, and the role ("push button", "text", "label", …)."""
        return [
            node
            for node in self.walk(seen=True)
            if node.seen and name in node.name and role in {"", node.role} and (not enabled or "enabled" in node.states)
        ]

    def until(self, name: str = "", role: str = "", *, enabled: bool = False) -> Node:
        """Wait until exactly one thing fits, and return it."""
        found: list[Node] = []

        def look() -> bool:
            found[:] = self.find(name, role, enabled=enabled)
            return len(found) == 1

        try:
            procs.wait_for(f"{role or 'anything'} named “{name}” on the screen", look)
        except AssertionError as error:
            raise AssertionError(f"{error}; {len(found)} fit:\n{self}") from None
        return found[0]

    def until_gone(self, name: str, role: str = "") -> None:
        """Wait until nothing that can be seen fits any more."""
        procs.wait_for(f"“{name}” to go from the screen", lambda: not self.find(name, role))

    def __str__(self) -> str:
        return "\n".join(str(node) for node in self.walk(seen=True) if node.seen)

    # ---- more of one node, and what a screen reader's person can do with it

    def text(self, node: Node) -> str:
        """Return what is written in an entry or a text."""
        return str(self._now(self._call(node.owner, node.path, "org.a11y.atspi.Text", "GetText", "ii", 0, -1)) or "")

    def value(self, node: Node) -> float | None:
        """Return what a bar or a spin box stands at."""
        arguments = ("ss", "org.a11y.atspi.Value", "CurrentValue")
        found = self._now(self._call(node.owner, node.path, PROPERTIES, "Get", *arguments))
        return None if found is None else float(found.value)

    def states(self, nodes: Sequence[Node]) -> list[frozenset[str]]:
        """Return the states of nodes as they are now; none of those that are gone. Much cheaper than a walk."""

        async def ask() -> list[Any]:
            return await asyncio.gather(*(self._call(n.owner, n.path, ACCESSIBLE, "GetState") for n in nodes))

        return [_states(bits) if bits is not None else frozenset() for bits in self._now(ask())]

    def act(self, node: Node, number: int = 0) -> None:
        """Do what the node offers first: press a button, check a box."""
        assert self._now(self._call(node.owner, node.path, "org.a11y.atspi.Action", "DoAction", "i", number)), node

    async def _call(self, owner: str, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        message = Message(
            destination=owner, path=path, interface=interface, member=member, signature=signature, body=list(body)
        )
        reply = await asyncio.wait_for(self._bus.call(message), PATIENCE)
        if reply is None or reply.message_type is not MessageType.METHOD_RETURN:
            return None
        return reply.body[0] if reply.body else None


def _states(bits: list[int]) -> frozenset[str]:
    whole = bits[0] | bits[1] << 32
    return frozenset(word for number, word in enumerate(STATES) if whole >> number & 1)


@contextlib.contextmanager
def accessibility() -> Iterator[Tree]:
    """Run an accessibility bus with the real registry, and read it."""
    registry = need.program("at-spi2-registryd")
    with private_bus(need.program("dbus-daemon")) as address:
        process = procs.start(
            [registry],
            env=os.environ | {"AT_SPI_BUS_ADDRESS": address, "DBUS_SESSION_BUS_ADDRESS": address},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        tree = None
        try:
            tree = Tree(address)
            procs.wait_for("the registry", lambda: process.poll() is not None or _has_registry(address))
            assert process.poll() is None, "at-spi2-registryd ended at once"
            yield tree
        finally:
            if tree is not None:
                tree.close()
            procs.stop(process)


def _has_registry(address: str) -> bool:
    from . import buses

    return buses.has_owner(address, REGISTRY)
