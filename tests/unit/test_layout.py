# SPDX-License-Identifier: Apache-2.0
"""What is written down about the layout is so."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from support import need

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def tracked() -> list[Path]:
    need.program("git")
    result = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in result.stdout.splitlines() if (ROOT / line).is_file()]


def test_every_package_is_shipped():
    folders = {
        "lundock." + ".".join(init.parent.relative_to(ROOT).parts)
        for half in ("app", "helper")
        for init in (ROOT / half).rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders


def test_every_folder_of_modules_is_a_package():
    for half in ("app", "helper"):
        for file in (ROOT / half).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), file


def test_data_files_are_shipped():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    for package, patterns in data.items():
        folder = ROOT.joinpath(*package.split(".")[1:])
        for pattern in patterns:
            assert list(folder.glob(pattern)), f"{package}: {pattern}"
    shipped = {
        file
        for package, patterns in data.items()
        for pattern in patterns
        for file in ROOT.joinpath(*package.split(".")[1:]).glob(pattern)
    }
    for half in ("app", "helper"):
        for file in (ROOT / half).rglob("*"):
            if file.is_file() and file.suffix not in {".py", ".pyc"}:
                assert file in shipped, f"{file} is in no package"


def test_programs_exist():
    scripts = {**PROJECT["project"]["scripts"], **PROJECT["project"]["gui-scripts"]}
    for name, place in scripts.items():
        module, _, function = place.partition(":")
        file = ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")
        assert re.search(rf"^def {function}\b", file.read_text("utf-8"), re.MULTILINE), name


def test_sources_name_their_licence():
    for file in tracked():
        if file.suffix in {".py", ".sh"} or file.name == "dev":
            head = file.read_text("utf-8").splitlines()[:2]
            assert any("SPDX-License-Identifier: Apache-2.0" in line for line in head), file


def test_the_table_of_places_is_true():
    """Every file and folder that docs/architecture.md names under "Where things are" exists."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split("## Where things are", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    for row in rows:
        folder = Path()
        for place in re.findall(r"`([^`]+)`", row):
            path = Path(place)
            folder = path.parent if len(path.parts) > 1 else folder
            assert (ROOT / path).exists() or (ROOT / folder / path).exists(), f"{place} is not there"


def test_nothing_of_this_computer_is_in_the_tree():
    """No absolute path of the folder in which the work was done."""
    for file in tracked():
        if file.suffix in {".png", ".svg"}:
            continue
        text = file.read_text("utf-8", "replace")
        assert str(ROOT) not in text, file


def test_package_list_is_sorted_out():
    """Each row: group, package, what for."""
    rows = [line.split(None, 2) for line in (ROOT / "tools" / "packages.txt").read_text("utf-8").splitlines()]
    rows = [row for row in rows if row and not row[0].startswith("#")]
    assert {row[0] for row in rows} == {"demo", "test"}
    assert all(len(row) == 3 for row in rows), json.dumps(rows)
    names = [row[1] for row in rows]
    assert len(names) == len(set(names))
