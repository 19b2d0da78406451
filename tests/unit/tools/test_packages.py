# SPDX-License-Identifier: Apache-2.0
"""What the packages of tools/packages.txt bring with them is enough."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import PySide6
import pytest

ROOT = Path(__file__).parents[3]
QT = Path(PySide6.__file__).parent
MODULES = [f"Qt{name}.abi3.so" for name in ("Core", "DBus", "Gui", "Network", "Svg", "Widgets")]
PLUGINS = [
    f"Qt/plugins/{name}.so"
    for name in ("platforms/libqxcb", "platforms/libqoffscreen", "platforms/libqwayland*", "iconengines/libqsvgicon")
]

pytestmark = pytest.mark.skipif(not shutil.which("dpkg-query"), reason="not a Debian: no dpkg-query")


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def dependencies() -> dict[str, set[str]]:
    """Each installed package, and every alternative of what it depends on."""
    form = "${db:Status-Status}\t${Package}\t${Pre-Depends}, ${Depends}\n"
    rows = [line.split("\t") for line in output("dpkg-query", "-W", "-f", form).splitlines()]
    names = re.compile(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)")
    return {name: set(names.findall(words)) for how, name, words in rows if how == "installed"}


def closure(names: Iterable[str], needs: dict[str, set[str]]) -> set[str]:
    """What is installed of `names`, and of all that they need."""
    found: set[str] = set()
    waiting = [name for name in names if name in needs]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [need for need in needs[name] if need in needs]
    return found


def named_for_qt() -> list[str]:
    rows = [line.split(None, 2) for line in (ROOT / "tools" / "packages.txt").read_text("utf-8").splitlines()]
    return [name for row in rows if row[:1] == ["demo"] and row[2].startswith("Qt") for name in row[1].split("|")]


def libraries(file: Path) -> set[str]:
    """The system's libraries that a file of Qt needs, as paths; those that are not there by their names alone."""
    found = re.findall(r"(\S+) => (\S+)", output("ldd", str(file)))
    return {name if path == "not" else path for name, path in found if not path.startswith(str(QT))}


def owners(paths: Iterable[str]) -> dict[str, str]:
    """The package of each path; /lib is /usr/lib, and packages may say either."""
    both = [f"{prefix}{path.removeprefix('/usr')}" for path in paths for prefix in ("", "/usr")]
    rows = [line.rpartition(": ") for line in output("dpkg-query", "-S", *both).splitlines() if ": /" in line]
    return {f"/usr{path.removeprefix('/usr')}": package.partition(":")[0] for package, _, path in rows}


def essential() -> list[str]:
    rows = [line.split() for line in output("dpkg-query", "-W", "-f", "${Package} ${Essential}\n").splitlines()]
    return [name for name, *how in rows if how == ["yes"]]


def test_what_qt_loads_comes_with_the_packages_that_are_named_for_it():
    """Not by chance with another one's: Python of Debian 12 brings more libraries than that of Debian 13."""
    found = {name: list(QT.glob(name)) for name in (*MODULES, *PLUGINS)}
    assert [name for name, files in found.items() if not files] == []
    wanted = {library for files in found.values() for file in files for library in libraries(file)}
    assert [library for library in wanted if not library.startswith("/")] == [], "not on this computer"
    packages = owners(wanted)
    assert packages
    brought = closure([*essential(), *named_for_qt()], dependencies())
    assert {library: package for library, package in packages.items() if package not in brought} == {}
