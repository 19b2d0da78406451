# SPDX-License-Identifier: Apache-2.0
"""The whole way without root: a login in a worker of a person's own, the disk as a file, a file system in it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from support import need, procs, unprivileged
from support.tgtd import LunSpec, Tgtd

from tools import traces

_SESSION = """
import asyncio, json, os, subprocess, sys
from pathlib import Path
from lundock.helper.nursery import Nursery
nursery = Nursery.start()
from lundock.helper import attach
from lundock.helper.api.errors import Problem
from lundock.helper.supervisor import Portal, SessionSpec, Supervisor, make_isid

ME = "iqn.2026-01.io.github.lundock.test:person"

class Nobody:
    changed = luns_changed = holders_changed = event = ended = lambda *_: None

async def program(*words):
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, (words, said)
    return said

async def main(folder, target, address, port):
    methods = {one.name: [one.available, one.reason] for one in attach.methods()}
    boss = Supervisor(Path(folder) / "run", nursery)
    spec = SessionSpec("t", target, (Portal(address, int(port)),), ME, make_isid("t", ME))
    session = await boss.open_session(spec, Nobody(), lambda _name: None)
    lun = next(one.address for one in session.luns if one.kind == "disk")
    made = await session.attach(lun, "auto", False, lambda _name: None)
    await program("/sbin/mkfs.ext4", "-q", "-F", made.device)
    (Path(folder) / "m").mkdir()
    await program("fuse2fs", made.device, folder + "/m", "-o", "fakeroot")
    await asyncio.to_thread((Path(folder) / "m/file").write_bytes, b"lundock" * 100000)
    await session.leave()
    boss = Supervisor(Path(folder) / "run", nursery)
    (session,) = await boss.adopt(lambda _session: Nobody())  # as the next helper would
    assert session.attached[lun] == made
    assert (Path(folder) / "m/file").stat().st_size == 700000
    try:
        await session.eject(lun, lambda _name: None)
        busy = None
    except Problem as problem:
        busy = [problem.code, problem.attrs["holders"]]
    await program("fusermount3", "-u", folder + "/m")
    for _ in range(500):  # fuse2fs lets go of the file after the mount is gone
        if not await session.holders(lun):
            break
        await asyncio.sleep(0.01)
    await session.eject(lun, lambda _name: None)
    left = os.path.exists(made.device)
    await session.logout()
    await nursery.close()
    print(json.dumps({"methods": methods, "made": [made.method, made.reason], "busy": busy, "left": left}))

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_person_without_rights_gets_a_file(tgtd: Tgtd, target_name: str) -> None:
    need.root()
    need.fuse()
    for name in ("fusermount3", "fuse2fs", "mkfs.ext4", "debugfs"):
        need.program(name)
    target = tgtd.add_target(target_name, [LunSpec(32 << 20)])
    address, _, port = target.portal.rpartition(":")
    with tempfile.TemporaryDirectory(prefix=traces.PREFIX) as folder:
        os.chown(folder, unprivileged.USER, unprivileged.USER)
        words = [*unprivileged.prefix(), sys.executable, "-c", _SESSION, folder, target.name, address, port]
        said = json.loads(procs.run(*words))
        assert list((Path(folder) / "run").glob("*.sock")) == []
    assert said["methods"]["fuse"][0] is False
    assert "root" in said["methods"]["fuse"][1]
    assert said["made"][0] == "file"
    assert "root" in said["made"][1]
    assert said["busy"][0] == "DeviceBusy"
    assert "fuse2fs" in said["busy"][1]
    assert said["left"] is False
    dumped = procs.run(need.program("debugfs"), "-R", "stat /file", target.luns[0].file)
    assert "Size: 700000" in dumped
