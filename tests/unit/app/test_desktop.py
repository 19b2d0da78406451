# SPDX-License-Identifier: Apache-2.0
"""Starting with the desktop, and the desktop entry."""

from __future__ import annotations

import configparser
from pathlib import Path

from lundock.app.desktop import start_with_desktop, starts_with_desktop
from lundock.helper.api.names import APP_ID

ENTRY = Path(__file__).parents[3] / "packaging" / "desktop" / f"{APP_ID}.desktop"


def test_it_can_be_turned_on_and_off(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert not starts_with_desktop(environ)
    start_with_desktop(True, environ)
    assert starts_with_desktop(environ)
    (file,) = (tmp_path / "config" / "autostart").iterdir()
    parser = configparser.RawConfigParser()
    parser.read(file)
    assert parser["Desktop Entry"]["Exec"] == "lundock-gui --background"
    start_with_desktop(False, environ)
    start_with_desktop(False, environ)
    assert not starts_with_desktop(environ)


def test_an_entry_that_the_desktop_turned_off_counts_as_off(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    start_with_desktop(True, environ)
    (file,) = (tmp_path / ".config" / "autostart").iterdir()
    file.write_text(file.read_text() + "Hidden=true\n")
    assert not starts_with_desktop(environ)


def test_links_lead_to_the_window() -> None:
    parser = configparser.RawConfigParser()
    parser.read(ENTRY)
    entry = parser["Desktop Entry"]
    assert "x-scheme-handler/iscsi" in entry["mimetype"].split(";")
    assert entry["exec"] == "lundock-gui %u"
