# SPDX-License-Identifier: Apache-2.0
"""Who may know of whom (docs/architecture.md), and that no program pulls in what it does not need."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Of each folder: what its modules may import, apart from the standard library and what lies in it.
RULES = {
    "app": {"lundock.app", "lundock.helper.api"},
    "helper/api": {"lundock.helper.api"},
    "helper/engine": {"lundock.helper.engine", "lundock.helper.api"},
    "helper/target": {"lundock.helper.target"},
}
#: Modules from other packages that only these files may import.
ALONE = {
    "dbus_next": {"helper/api/messages.py"},
    "dbus_fast": {"helper/api/messages.py"},
    "PySide6": {"app/ui", "app/model", "app/__main__.py", "app/client/thread.py"},
    "pyqtgraph": {"app/ui"},
    "keyring": {"app/secrets.py"},
}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def package_of(file: Path) -> str:
    parts = ("lundock", *file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1])


def imported(file: Path) -> Iterator[str]:
    """Give the full name of everything a module imports, at its top or later."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package_of(file).split(".")[: -(node.level - 1) or None]
                base = ".".join([*above, *([base] if base else [])])
            yield from (f"{base}.{name.name}" for name in node.names)


def inside(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("folder", RULES)
def test_doors_are_kept(folder: str):
    checked = 0
    for file in modules(folder):
        for name in imported(file):
            checked += 1
            if name.startswith("lundock"):
                assert inside(name, RULES[folder]), f"{file.relative_to(ROOT)} imports {name}"
    assert checked


@pytest.mark.parametrize("package", ALONE)
def test_one_place_each(package: str):
    for file in (*modules("app"), *modules("helper")):
        place = str(file.relative_to(ROOT))
        if any(place == allowed or place.startswith(f"{allowed}/") for allowed in ALONE[package]):
            continue
        assert not [name for name in imported(file) if inside(name, {package})], place


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize("module", ["lundock.helper.engine.engine", "lundock.helper.engine.worker"])
def test_the_engine_is_small(module: str):
    """No bus, no Qt, no event loop of Python's, no database in the process that talks to targets."""
    found = loaded_by(module)
    for unwanted in ("asyncio", "sqlite3", "dbus_next", "PySide6", "click", "rich", "ctypes.util"):
        assert unwanted not in found


def test_the_helper_needs_no_window():
    found = loaded_by("lundock.helper.daemon")
    assert not [name for name in found if name.startswith(("PySide6", "lundock.app", "click", "rich"))]


def test_the_command_line_needs_no_window():
    assert "PySide6" not in loaded_by("lundock.app.cli")
