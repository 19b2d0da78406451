# SPDX-License-Identifier: Apache-2.0
"""`lundock` formats, mounts and unmounts through a real UDisks2, and says what to type where there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from lundock.app.cli import main
from lundock.app.commands import shapes
from support import need
from support.helper import HelperProcess
from support.shapes import misfits
from support.tgtd import LunSpec, Tgtd
from support.udisks import running_udisks


def run(helper: HelperProcess, *words: str) -> tuple[int, Any]:
    result = CliRunner().invoke(main, ["--json", "--bus", helper.bus, *words])
    return result.exit_code, json.loads(result.stdout)


def whole(helper: HelperProcess, *words: str) -> Any:
    code, answer = run(helper, *words)
    assert code == 0, answer
    assert misfits(answer, shapes.OUTPUT[words[0]]) == []
    return answer


def code_of(helper: HelperProcess, *words: str) -> str:
    return str(run(helper, *words)[1]["error"]["code"])


def test_format_mount_unmount_and_eject(
    helper: HelperProcess, tgtd: Tgtd, target_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    need.loop()
    target = tgtd.add_target(target_name, [LunSpec(64 << 20)])
    with running_udisks() as udisks:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", udisks.bus)
        (device,) = [lun["device"] for lun in whole(helper, "connect", target.portal, target.name)["luns"][-1:]]
        udisks.show(device)
        assert code_of(helper, "mount", device) == "NotSupported", "there is nothing to mount on it"
        assert code_of(helper, "format", device) == "Usage", "nobody can be asked, so --yes has to be said"
        assert whole(helper, "format", device, "--label", "nas", "--yes")["kind"] == "ext4"
        assert code_of(helper, "format", device, "--yes") == "NotSupported", "it is not empty any more"
        place = whole(helper, "mount", target.name)["mounted"]
        udisks.inside("mountpoint", "-q", place)
        assert code_of(helper, "eject", device) == "DeviceBusy"
        whole(helper, "unmount", device)
        whole(helper, "mount", device)
        assert whole(helper, "eject", device, "--unmount")["lun"]["device"] == ""
        udisks.inside("rm", "-f", device)
    whole(helper, "logout", target.name)


def test_without_udisks_it_says_what_to_type(
    helper: HelperProcess, tgtd: Tgtd, target_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    need.loop()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
    target = tgtd.add_target(target_name, [LunSpec(64 << 20)])
    (device,) = [lun["device"] for lun in whole(helper, "connect", target.portal, target.name)["luns"][-1:]]
    for words, command in (
        (("mount", device), f"sudo mount {device} /mnt"),
        (("unmount", device), f"sudo umount {device}"),
        (("format", device, "--yes"), f"sudo mkfs.ext4 {device}"),
        (("eject", device, "--unmount"), f"sudo umount {device}"),
    ):
        assert command in run(helper, *words)[1]["error"]["meaning"]
    whole(helper, "eject", device)
    whole(helper, "logout", target.name)
