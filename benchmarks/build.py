# SPDX-License-Identifier: Apache-2.0
"""Builds what is compiled, when its sources are newer; installs what is missing for it where apt may be used."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OUT = ROOT / "build" / "bench"

#: Programs and files that are needed, and the Debian packages that bring them.
NEEDED = {
    "cc": "gcc",
    "/usr/include/stdio.h": "libc6-dev",
    "/usr/include/iscsi/iscsi.h": "libiscsi-dev",
    "/usr/include/isa-l/crc.h": "libisal-dev",
    "fio": "fio",
    "qemu-nbd": "qemu-utils",
    "nbdfuse": "nbdfuse",
    "fusermount3": "fuse3",
    "losetup": "mount",
    "tgtd": "tgt",
    "iscsi-perf": "libiscsi-bin",
    "dbus-daemon": "dbus-daemon",
}
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def find(program: str) -> str:
    """Return where a program or file is, or ""."""
    if program.startswith("/"):
        return program if Path(program).exists() else ""
    return shutil.which(program, path=PATH) or ""


def missing() -> list[str]:
    """Return the packages that are not there."""
    packages = {package for what, package in NEEDED.items() if not find(what)}
    if not list(Path("/usr/lib").glob("*/qemu/block-iscsi.so")):
        packages.add("qemu-block-extra")  # iscsi:// in qemu-nbd
    return sorted(packages)


def install() -> list[str]:
    """Install what is missing, as root or with sudo; returns what is missing still."""
    packages = missing()
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not packages or not shutil.which("apt-get"):
        return packages
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        subprocess.run([*prefix, "apt-get", "-qq", *words], check=False, env=env, stdout=subprocess.DEVNULL)
    return missing()


@dataclass(frozen=True, slots=True)
class Tools:
    """What was built: None where it could not be, and `problems` says why."""

    responder: Path | None
    async_rw: Path | None
    problems: list[str] = field(default_factory=list)


def responder_libraries() -> tuple[str, ...]:
    """Return what the responder is linked with: where ISA-L is there its source uses it."""
    return ("-lisal",) if find("/usr/include/isa-l/crc.h") else ()


def build() -> Tools:
    """Compile what is older than its sources."""
    OUT.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    responder = _compile("responder", sorted((HERE / "responder").glob("*.[ch]")), responder_libraries(), problems)
    async_rw = _compile("async_rw", [HERE / "libiscsi" / "async_rw.c"], ("-liscsi",), problems)
    return Tools(responder, async_rw, problems)


def _compile(name: str, sources: list[Path], libraries: tuple[str, ...], problems: list[str]) -> Path | None:
    out = OUT / name
    if out.exists() and all(out.stat().st_mtime > source.stat().st_mtime for source in sources):
        return out
    words = [find("cc") or "cc", "-O2", "-Wall", "-Wextra", "-o", f"{out}.new"]
    words += [str(source) for source in sources if source.suffix == ".c"]
    try:
        done = subprocess.run([*words, *libraries], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        problems.append(f"{name}: there is no compiler (package gcc)")
        return None
    if done.returncode:
        problems.append(f"{name}: {done.stderr.strip()[-400:]}")
        return None
    Path(f"{out}.new").replace(out)
    return out
