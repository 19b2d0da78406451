# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from lundock.helper import keeping
from lundock.helper.api.settings import complete
from lundock.helper.keeping import Kept, KeptDisk
from lundock.helper.supervision import ConnectionRecord, Portal, Secrets, SessionSpec

SECRET = "correct horse battery"
SPEC = SessionSpec(
    key="target-7",
    target_name="iqn.2026-01.org.example:disk",
    portals=(Portal("nas.example", 3260), Portal("fe80::1%eth0", 3261, 2)),
    initiator_name="iqn.2026-01.org.example:me",
    isid=bytes.fromhex("80abcdef0102"),
    initiator_alias="käse",
    interface="eth0",
    sign_in="mutual",
    chap_name="alice",
    target_chap_name="disk",
    secrets=Secrets(SECRET, SECRET + "2"),
    settings=complete({"recovery_timeout": -1, "chap_algorithms": ["SHA-256", "MD5"], "read_only": True}),
)
DISK = KeptDisk("0001000000000000", "fuse", 3, "/run/x/disks/a b", False, "why", True, "/dev/loop3", 44, "naa.6", True)
KEPT = Kept(
    SPEC,
    (Portal("192.0.2.1", 3260), Portal("fe80::1%eth0", 3261, 2)),
    {"nas.example": ("192.0.2.1", "2001:db8::1")},
    pid=4711,
    started=123456,
    since=1_700_000_000_000_000,
    reconnects=2,
    last_error="ConnectionLost",
    connections=(ConnectionRecord(0, "192.0.2.9:5000", "192.0.2.1:3260", "eth0"),),
    disks=(DISK, dataclasses.replace(DISK, lun="0002000000000000", front=4, device="", ready=False)),
)


def test_what_is_kept_comes_back_without_the_secrets(tmp_path: Path) -> None:
    keeping.save(tmp_path, KEPT)
    keeping.save(tmp_path, KEPT)
    (found,) = keeping.load_all(tmp_path)
    assert found == dataclasses.replace(KEPT, spec=dataclasses.replace(SPEC, secrets=None))
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert SECRET not in file.read_text()
    keeping.forget(tmp_path, SPEC.key)
    keeping.forget(tmp_path, SPEC.key)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_no_reason_to_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeping.save(tmp_path / "not-there", KEPT)
    assert "could not be noted" in caplog.text
    assert keeping.load_all(tmp_path / "not-there") == []


def _changed(**changes: Any) -> Any:
    def change(whole: dict[str, Any]) -> None:
        for name, value in changes.items():
            part, _, field = name.rpartition("__")
            (whole[part] if part else whole)[field] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _changed(version=2),
        _changed(pid=0),
        _changed(pid="4711"),
        _changed(started=-1),
        _changed(more=1),
        _changed(portals=[]),
        _changed(spec__key="target-8"),
        _changed(spec__key="../target-7"),
        _changed(spec__isid="80"),
        _changed(spec__sign_in="kerberos"),
        _changed(spec__settings={"queue_depth": -5}),
        _changed(spec__secrets="x"),
        _changed(disks=[{}]),
        _changed(disks=[1] * 5000),
        _changed(numbers={"nas": []}),
        lambda whole: whole["disks"][0].update(path="/x\0y"),
        lambda whole: whole["disks"][0].update(front=0),
        lambda whole: whole.pop("since"),
    ],
)
def test_a_file_of_another_form_is_left_alone(tmp_path: Path, change: Any) -> None:
    keeping.save(tmp_path, KEPT)
    (file,) = tmp_path.iterdir()
    whole = json.loads(file.read_text())
    change(whole)
    file.write_text(json.dumps(whole))
    assert keeping.load_all(tmp_path) == []
    assert file.exists()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b" " * ((1 << 20) + 1) + b"{}", b"null"])
def test_what_is_no_file_of_ours(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "target-7.session").write_bytes(data)
    assert keeping.load_all(tmp_path) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    keeping.save(tmp_path, KEPT)
    other = tmp_path / "other"
    (tmp_path / "target-7.session").rename(other)
    (tmp_path / "target-7.session").symlink_to(other)
    assert keeping.load_all(tmp_path) == []


def test_an_unfinished_file_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "target-7.new").write_text("{")
    assert keeping.load_all(tmp_path) == []
    keeping.save(tmp_path, KEPT)
    assert [one.name for one in tmp_path.iterdir()] == ["target-7.session"]
