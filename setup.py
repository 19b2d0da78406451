# SPDX-License-Identifier: Apache-2.0
"""Compiles the window's languages when the package is built; everything else stands in pyproject.toml."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

#: Qt's compiler of translations: in PySide6, and in the packages of distributions.
PROGRAMS = ("pyside6-lrelease", "lrelease6", "lrelease-qt6", "/usr/lib/qt6/bin/lrelease", "lrelease")


class Build(build_py):
    """Puts lundock_LANGUAGE.qm beside its source."""

    def run(self) -> None:
        """Build, then compile; without a compiler the window speaks English only, which is said."""
        super().run()
        if self.editable_mode:
            return  # ./dev setup does it there
        for source in Path("app/ui/i18n").glob("*.ts"):
            if not any(_compiled(program, source, Path(self.build_lib, "lundock", source)) for program in PROGRAMS):
                print(f"{source} is not compiled: none of {', '.join(PROGRAMS)} works here", file=sys.stderr)


def _compiled(program: str, source: Path, place: Path) -> bool:
    found = shutil.which(program)
    if found is None:
        return False
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}  # not the build's own
    argv = [found, "-silent", str(source), "-qm", str(place.with_suffix(".qm"))]
    return subprocess.run(argv, env=own, stdout=sys.stderr, check=False).returncode == 0


setup(cmdclass={"build_py": Build})
