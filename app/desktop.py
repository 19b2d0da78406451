# SPDX-License-Identifier: Apache-2.0
"""Starting with the desktop: an entry in the person's autostart folder (freedesktop.org's autostart specification)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..helper.api.names import APP_ID

_ENTRY = """[Desktop Entry]
Type=Application
Name=Lundock
Comment=Keeps an eye on network disks
Exec=lundock-gui --background
Icon={app}
Terminal=false
X-GNOME-Autostart-enabled=true
"""


def _file(environ: Mapping[str, str]) -> Path:
    config = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    return Path(config) / "autostart" / f"{APP_ID}.desktop"


def starts_with_desktop(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the window's program starts when the person logs in."""
    try:
        lines = _file(environ).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return "Hidden=true" not in lines and "X-GNOME-Autostart-enabled=false" not in lines


def start_with_desktop(on: bool, environ: Mapping[str, str] = os.environ) -> None:
    """Have it started at log-in, or not. Raises OSError."""
    file = _file(environ)
    if on:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_ENTRY.format(app=APP_ID), "utf-8")
    else:
        file.unlink(missing_ok=True)
