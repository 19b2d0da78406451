# SPDX-License-Identifier: Apache-2.0
"""The command line of lundock-helper, and the folders that follow from it."""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LEVELS = ("error", "warning", "info", "debug")


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. `idle_exit`: seconds without work after which it ends; 0: never."""

    session: bool
    bus: str
    state_dir: Path
    run_dir: Path
    config_dir: Path
    log_level: str
    log_out: bool
    idle_exit: float


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line; the manual is made from it, too."""
    parser = argparse.ArgumentParser("lundock-helper", description="The service that connects iSCSI disks.")
    parser.add_argument("--session", action="store_true", help="serve this user alone, on the session bus")
    parser.add_argument("--bus", metavar="ADDRESS", default="", help="serve on this bus")
    parser.add_argument("--state-dir", metavar="DIR", type=Path, help="where saved targets are")
    parser.add_argument("--run-dir", metavar="DIR", type=Path, help="where sockets and mounts are")
    parser.add_argument("--config-dir", metavar="DIR", type=Path, help="where system-wide settings are (/etc/lundock)")
    parser.add_argument("--log-level", choices=LEVELS, default="info", help="what is logged (info)")
    parser.add_argument(
        "--stop-policy",
        choices=("keep", "logout"),
        help="at the end, leave what has attached disks to the next start (keep; so unless --session), or eject and"
        " log out what nobody uses (logout)",
    )
    parser.add_argument(
        "--idle-exit", metavar="SECONDS", type=float, default=0.0, help="end after this time without work"
    )
    return parser


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; ends the program with a message when it is wrong."""
    given = parser().parse_args(arguments)
    return Options(
        session=given.session,
        bus=given.bus or ("session" if given.session else "system"),
        state_dir=given.state_dir or default_state_dir(session=given.session),
        run_dir=given.run_dir or default_run_dir(session=given.session),
        config_dir=given.config_dir or Path("/etc/lundock"),
        log_level=given.log_level,
        log_out=(given.stop_policy or ("logout" if given.session else "keep")) == "logout",
        idle_exit=given.idle_exit,
    )


def default_state_dir(*, session: bool) -> Path:
    """Return where saved targets are: systemd's folder, or the user's (XDG Base Directory Specification)."""
    if not session:
        return Path(os.environ.get("STATE_DIRECTORY") or "/var/lib/lundock")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "lundock"


def default_run_dir(*, session: bool) -> Path:
    """Return where sockets and mounts are."""
    if not session:
        return Path(os.environ.get("RUNTIME_DIRECTORY") or "/run/lundock")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "lundock" if runtime else Path(f"/tmp/lundock-{os.getuid()}")  # noqa: S108 - checked below


def private_folder(path: Path) -> None:
    """Make a folder that only we can enter. Raises PermissionError when another user has put something there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{path} is not a folder of this user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o700)
