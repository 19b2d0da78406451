# SPDX-License-Identifier: Apache-2.0
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import need, procs

from tools import traces

ROOT = Path(__file__).parents[3]


def test_processes_of_a_run_inside_a_run():
    """The inner run sees only its own, the outer one both."""
    code = (
        "import subprocess; from tools import traces; traces.mark();"
        "p = subprocess.Popen(['sleep', '60']); print(p.pid, *traces.processes(), sep='\\n', flush=True); p.wait()"
    )
    outer = subprocess.Popen(["sleep", "60"])
    inner = procs.start([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert inner.stdout is not None
    pid = inner.stdout.readline().decode().strip()
    seen_inside = inner.stdout.readline().decode()
    try:
        assert f"process {pid}: " in seen_inside
        ours = [*traces.processes()]
        assert any(f"process {pid}: " in line for line in ours)
        assert any(f"process {outer.pid}: " in line for line in ours)
        assert f"process {outer.pid}: " not in seen_inside
    finally:
        outer.kill()
        outer.wait()
        os.kill(int(pid), 9)
        procs.stop(inner)


def test_mounts_and_loop_devices(tmp_path: Path):
    need.root()
    need.loop()
    image, place = tmp_path / "image", tmp_path / "place"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(8 << 20)
    procs.run("mkfs.ext4", "-q", image)
    procs.run("mount", "-o", "loop", image, place)
    try:
        assert any(str(place) in line for line in traces.mounts([tmp_path]))
        assert any(str(image) in line for line in traces.loops([tmp_path]))
        assert not [*traces.mounts([tmp_path / "other"]), *traces.loops([tmp_path / "other"])]
    finally:
        procs.run("umount", place)
    assert not [*traces.mounts([tmp_path]), *traces.loops([tmp_path])]


def test_connections():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not [*traces.connections(port)]
        with socket.create_connection(("127.0.0.1", port)):
            assert len([*traces.connections(port)]) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_marking_twice_is_marking_once(times: int):
    before = os.environ[traces.MARK]
    for _ in range(times):
        traces.mark()
    assert os.environ[traces.MARK] == before
