# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest
from lundock.helper.options import parse, private_folder


def test_as_a_system_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    options = parse([])
    assert (options.bus, options.session, options.log_out) == ("system", False, False)
    assert (options.state_dir, options.run_dir) == (Path("/var/lib/lundock"), Path("/run/lundock"))


def test_on_a_session_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/home/x/state")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    options = parse(["--session"])
    assert (options.bus, options.session, options.log_out) == ("session", True, True)
    assert (options.state_dir, options.run_dir) == (Path("/home/x/state/lundock"), Path(f"/tmp/lundock-{os.getuid()}"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert parse(["--session", "--bus", "unix:path=/x"]).run_dir == Path("/run/user/1000/lundock")
    assert parse(["--session", "--stop-policy", "keep"]).log_out is False
    assert parse(["--stop-policy", "logout"]).log_out is True


def test_a_folder_of_our_own(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(old)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "open").mkdir(mode=0o755)
    private_folder(tmp_path / "open")
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o700


def test_what_somebody_else_put_there_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        private_folder(tmp_path / "link")
    if os.geteuid() == 0:
        (tmp_path / "theirs").mkdir()
        os.chown(tmp_path / "theirs", 54321, 54321)
        with pytest.raises(PermissionError):
            private_folder(tmp_path / "theirs")
