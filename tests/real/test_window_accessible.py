# SPDX-License-Identifier: Apache-2.0
"""The real window on a real screen as a screen reader reads it: names, roles, and where the keyboard goes."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("PySide6")

from support import need, procs
from support.atspi import Node, Tree, accessibility
from support.fake_helper import RunningFake, running_fake

#: What one acts on or reads from: each has a name of its own.
NAMED = {
    "push button", "button", "toggle button", "check box", "radio button", "combo box", "text", "password text",
    "entry", "spin button", "list", "tree", "tree table", "table", "page tab", "page tab list", "menu item",
    "progress bar", "list item", "table cell", "tree item", "popup menu", "dialog", "frame",
}  # fmt: skip
#: Roles that say nothing: what takes the keyboard has a real one.
NOTHING = {"unknown", "invalid", "filler", "panel", "redundant object", "extended"}


#: Parts of a list: the current one says that it has the focus even while its list has not.
ITEMS = {"table cell", "cell", "list item", "tree item", "page tab"}


class Reader:
    """The window's program, its tree, and a keyboard."""

    def __init__(self, tree: Tree, environ: dict[str, str]) -> None:
        self.tree = tree
        self._environ = environ

    def focus(self, window: str) -> None:
        """Give a window the keyboard, as a window manager would."""
        found = procs.run("xdotool", "search", "--onlyvisible", "--name", f"^{window}$", env=self._environ).split()
        procs.run("xdotool", "windowfocus", "--sync", found[0], env=self._environ)

    def key(self, *keys: str) -> None:
        procs.run("xdotool", "key", "--clearmodifiers", *keys, env=self._environ)

    def focused(self, among: Sequence[Node]) -> Node | None:
        states = self.tree.states(among)
        return next((n for n, now in zip(among, states, strict=True) if {"focused", "showing"} <= now), None)

    def stops(self, window: str) -> list[Node]:
        """Return what may have the focus in a window."""
        nodes = self.tree.walk(seen=True)
        inside = [False] * len(nodes)
        for number, node in enumerate(nodes):
            inside[number] = (node.depth == 1 and node.name == window) or (node.parent >= 0 and inside[node.parent])
        return [
            node
            for node, here in zip(nodes, inside, strict=True)
            if here and node.seen and "focusable" in node.states and node.role not in ITEMS
        ]

    def press(self, key: str, among: Sequence[Node]) -> Node:
        """Press a key, and wait until something else has the focus."""
        before = self.focused(among)
        found: list[Node] = []

        def moved() -> bool:
            now = self.focused(among)
            found[:] = [now] if now is not None else []
            return now is not None and (before is None or now.path != before.path)

        self.key(key)
        procs.wait_for(f"the focus to move from {before} by {key}", moved)
        return found[0]

    def round(self, window: str) -> list[Node]:
        """Go round with Tab; return what had the focus, in that order, until the first comes again."""
        among = self.stops(window)
        first = self.focused(among)
        assert first is not None
        found = [first]
        while len(found) <= len(among):
            now = self.press("Tab", among)
            if now.path == first.path:
                return found
            found.append(now)
        raise AssertionError("Tab does not come round: " + ", ".join(str(stop).strip() for stop in found))


@pytest.fixture
def service() -> Iterator[RunningFake]:
    with running_fake() as running:
        yield running


@pytest.fixture
def reader(service: RunningFake, xvfb: str, tmp_path: Path) -> Iterator[Reader]:
    need.program("xdotool")
    for name in ("backup", "media"):
        service.connect(service.add(name, name.capitalize()))
    (tmp_path / "run").mkdir(mode=0o700)
    with accessibility() as tree:
        environ = os.environ | tree.environ | {
            "DISPLAY": xvfb, "QT_QPA_PLATFORM": "xcb", "DBUS_SESSION_BUS_ADDRESS": service.address,
            "XDG_CONFIG_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path),
        }  # fmt: skip
        argv = [sys.executable, "-m", "lundock.app", "--session"]
        process = procs.start(argv, env=environ, stdin=subprocess.DEVNULL)
        try:
            tree.until("Disconnect", enabled=True)
            made = Reader(tree, environ)
            made.focus("Lundock")
            yield made
        finally:
            procs.stop(process)


def show(tree: Tree, page: str) -> None:
    tree.act(tree.until(page, role="page tab"))
    procs.wait_for(f"the page {page}", lambda: page in [node.name for node in tree.find(page, role="filler")])


def unnamed(nodes: list[Node]) -> list[str]:
    """Return what can be seen, is acted on or read from, and has no name."""
    found = []
    for node in nodes:
        part = node.parent >= 0 and nodes[node.parent].role in {"combo box", "spin button", "scroll bar", "table cell"}
        # A combo box's name is what is chosen (so Qt on this system): what it is about is its description.
        words = node.description if node.role == "combo box" else node.name
        if node.seen and node.role in NAMED and not words.strip() and not part and node.box[2] > 0:
            above = nodes[node.parent] if node.parent >= 0 else node
            found.append(f"{node.role} in {above.role} “{above.name}” at {node.box}")
    return found


def in_reading_order(stops: list[Node]) -> list[str]:
    """Return the steps that go up or back: a stop above, or left of, the one before on the same line."""
    wrong = []
    for one, two in itertools.pairwise(stops):
        same_line = abs(one.middle[1] - two.middle[1]) < 20
        back = two.middle[0] < one.middle[0] if same_line else two.middle[1] < one.middle[1]
        if back:
            wrong.append(f"{str(one).strip()} {one.box} → {str(two).strip()} {two.box}")
    return wrong


def test_every_page_has_names_and_roles_and_the_keyboard_goes_through_it_in_order(reader: Reader) -> None:
    tree = reader.tree
    for page in ("Disks", "Activity", "Details", "Events", "Settings"):
        show(tree, page)
        nodes = tree.walk(seen=True)
        assert unnamed(nodes) == [], page
        senseless = [
            f"{str(n).strip()} {n.box}" for n in nodes if n.seen and "focusable" in n.states and n.role in NOTHING
        ]
        assert senseless == [], page
    show(tree, "Disks")
    stops = reader.round("Lundock")
    left = [stop for stop in stops if stop.middle[0] < 290]
    right = [stop for stop in stops if stop.middle[0] >= 290]
    roles = [stop.role for stop in stops]
    assert (roles.count("list"), roles.count("page tab list"), roles.count("table")) == (1, 1, 1)
    assert {"Connect to a target …", "Copy this computer's iSCSI name", "Menu"} <= {stop.name for stop in left}
    assert {"Disconnect", "More", "Attach"} <= {stop.name for stop in right}
    assert in_reading_order(right) == []


def test_the_wizard_has_names_and_an_order_and_goes_by_keys_alone(reader: Reader) -> None:
    tree = reader.tree
    reader.key("ctrl+n")
    tree.until("Address", role="text")
    assert unnamed(tree.walk(seen=True)) == []
    procs.run("xdotool", "type", "nas.local", env=reader._environ)
    tree.until("Look for targets", enabled=True)
    stops = reader.round("Connect to a target")
    # The buttons below come last, whatever stands first.
    order = [stop.name for stop in stops]
    first = order.index("Address")
    order = order[first:] + order[:first]
    assert order == ["Address", "My target is not listed: type its name", "Cancel", "Look for targets"]
    while (now := reader.focused(stops)) is not None and now.name != "Address":
        reader.press("Tab", stops)
    reader.key("Return")
    tree.until("Targets that were found", role="list")
    assert unnamed(tree.walk(seen=True)) == []
    reader.key("Down", "Down", "Return")  # the third: chap-vault comes second, empty third, in their order by name
    tree.until("How to connect")
    assert unnamed(tree.walk(seen=True)) == []
    reader.key("Escape")
    tree.until("Targets that were found", role="list")
    reader.key("Escape")
    tree.until("Address", role="text")
    reader.key("Escape")
    tree.until_gone("Look for targets")


def test_kept_addresses_have_names_and_an_order_and_go_by_keys_alone(reader: Reader) -> None:
    tree = reader.tree
    reader.key("ctrl+k")
    tree.until("No address is kept")
    assert unnamed(tree.walk(seen=True)) == []
    reader.key("space")  # “Add an address …” has the keyboard
    tree.until("Add an address", role="dialog")
    procs.run("xdotool", "type", "refused.local", env=reader._environ)
    tree.until("Keep it", enabled=True)
    assert unnamed(tree.walk(seen=True)) == []
    reader.key("Return")
    tree.until("Find out why …")
    reader.focus("Kept addresses")
    assert unnamed(tree.walk(seen=True)) == []
    stops = [stop.name for stop in reader.round("Kept addresses")]
    first = stops.index("Kept addresses")
    buttons = ["Add an address …", "Look now", "Change …", "Forget …", "Close"]
    assert stops[first:] + stops[:first] == ["Kept addresses", "Find out why …", "Details", "Dismiss", *buttons]
    reader.key("Escape")
    tree.until_gone("Look now")
