# SPDX-License-Identifier: Apache-2.0
"""A person at a screen: sees what AT-SPI says of it, moves a real pointer, types on a real keyboard (xdotool)."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

from . import need, procs
from .atspi import Node, Tree

#: Between two looks: who looks all the time keeps the window from its work.
_PAUSE = 0.1
#: How long a step may take on a loaded machine.
PATIENCE = 60.0


class Person:
    """Works with programs on the display, one step after another, each as soon as it can be done."""

    def __init__(self, tree: Tree, display: str) -> None:
        self.tree = tree
        self._environ = os.environ | {"DISPLAY": display}
        self._xdotool = need.program("xdotool")

    def hands(self, *words: str) -> str:
        """Do something with xdotool."""
        return procs.run(self._xdotool, *words, env=self._environ)

    def waits_for(self, what: str, check: Callable[[], object]) -> None:
        """Wait; AssertionError with what is on the screen when it does not come."""

        def look_again() -> object:
            select.select([], [], [], _PAUSE)
            return check()

        try:
            procs.wait_for(what, look_again, PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}; on the screen:\n{self.tree}") from None

    def click(self, name: str, role: str = "push button") -> Node:
        """Click on (the first that) is named so, as soon as it is there, can be used, and has come to rest."""
        node = self._at_rest(name, role)
        x, y = node.middle
        self.hands("mousemove", "--sync", str(x), str(y), "click", "1")
        return node

    def _at_rest(self, name: str, role: str) -> Node:
        last: list[Node] = []

        def still() -> bool:
            now = [node for node in self._before_me() if node.name.startswith(name) and role in {"", node.role}]
            now = [node for node in now if "enabled" in node.states]
            rests = bool(now) and [node.box for node in now] == [node.box for node in last]
            last[:] = now
            return rests

        self.waits_for(f"the {role} “{name}”", still)
        return last[0]

    def _before_me(self) -> list[Node]:
        """Return what is in the window that is in front: the active one, or (no window manager says) the newest."""
        nodes = self.tree.walk(seen=True)
        tops: list[int] = []
        for number, node in enumerate(nodes):
            tops.append(number if node.depth <= 1 else tops[node.parent])
        windows = [number for number, node in enumerate(nodes) if node.depth == 1 and node.seen]
        front = [number for number in windows if "active" in nodes[number].states] or windows[-1:]
        return [node for node, top in zip(nodes, tops, strict=True) if node.seen and top in front]

    def sees(self, *words: str) -> None:
        """Wait until each of the words can be read somewhere on the screen."""

        def all_there() -> bool:
            screen = str(self.tree)
            return all(word in screen for word in words)

        self.waits_for(f"{words} on the screen", all_there)

    def types(self, text: str) -> None:
        """Type where the keyboard's focus is."""
        self.hands("type", "--delay", "5", text)

    def presses(self, *keys: str) -> None:
        """Press keys, one after the other."""
        self.hands("key", "--delay", "5", *keys)

    def finds(self, name: str, role: str = "") -> Node:
        """Return what is named so, as soon as it is there and has come to rest."""
        return self._at_rest(name, role)

    def reads(self, begin: str) -> str:
        """Return the rest of the label that begins so."""
        return self._at_rest(begin, "label").name.removeprefix(begin)

    def chooses(self, words: str) -> None:
        """Go down a list with the keyboard until what has these words is selected."""

        def there() -> bool:
            chosen = [node for node in self._before_me() if "selected" in node.states and words in node.name]
            if not chosen:
                self.presses("Down")
            return bool(chosen)

        self.waits_for(f"“{words}” to be chosen", there)
