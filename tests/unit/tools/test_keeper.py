# SPDX-License-Identifier: Apache-2.0
"""However a run ends, nothing of it is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import procs

from tools import traces

ROOT = Path(__file__).parents[3]
#: Starts what nobody waits for, and (as root) mounts what the kernel would keep. Says who they are: keeper, run, stray.
RUN = """
import os, pathlib, subprocess, sys, tempfile, time
from tools import keeper, traces
keeper.hold()
folder = tempfile.mkdtemp(prefix=traces.PREFIX)
if os.geteuid() == 0 and os.path.exists("/dev/loop-control"):
    os.truncate(os.open(folder + "/disk", os.O_CREAT | os.O_RDWR), 4 << 20)
    subprocess.run(["mkfs.ext4", "-q", folder + "/disk"], check=True)
    os.mkdir(folder + "/a place")
    subprocess.run(["mount", "-o", "loop", folder + "/disk", folder + "/a place"], check=True)
    assert [*traces.mounts([pathlib.Path(folder)])]
stray = ["sh", "-c", "setsid sleep 600 > /dev/null 2>&1 & echo $!"]
unmarked = {"PATH": os.environ["PATH"]} if "unmarked" in sys.argv else None
stray = subprocess.run(stray, env=unmarked, stdout=subprocess.PIPE, text=True).stdout
print(os.getppid(), os.getpid(), stray, flush=True)
time.sleep(0 if "ends" in sys.argv else 600)
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(tmp_path)}


@pytest.fixture
def front(request: pytest.FixtureRequest, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = procs.start(
        [sys.executable, "-c", RUN, *request.param], cwd=ROOT, env=environ, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield process
    procs.kill_group(process)
    process.stdout.close()


def told(front: subprocess.Popen[bytes]) -> tuple[int, int, int]:
    assert front.stdout is not None
    keeper, run, stray = (int(word) for word in front.stdout.readline().split())
    return keeper, run, stray


def gone(*pids: int) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def nothing_is_left(folder: Path) -> bool:
    return not [*folder.iterdir(), *traces.mounts([folder]), *traces.loops([folder])]


@pytest.mark.parametrize(
    ("front", "whom", "number", "code"),
    [
        (["unmarked", "ends"], None, None, 0),
        (["unmarked"], "front", signal.SIGINT, 130),
        (["unmarked"], "front", signal.SIGTERM, 130),
        (["unmarked"], "front", signal.SIGKILL, -9),
        (["unmarked"], "group", signal.SIGKILL, -9),
        (["unmarked"], "run", signal.SIGKILL, 137),
    ],
    indirect=["front"],
)
def test_nothing_is_left(front: subprocess.Popen[bytes], tmp_path: Path, whom: str, number: int, code: int):
    keeper, run, stray = told(front)
    if whom:
        os.kill({"front": front.pid, "group": -front.pid, "run": run}[whom], number)
    assert front.wait(procs.PATIENCE) == code
    procs.wait_for("the keeper to have done its work", lambda: gone(keeper, run, stray))
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize("front", [[]], indirect=True)
def test_where_the_keeper_is_killed_the_next_run_does_its_work(
    front: subprocess.Popen[bytes], tmp_path: Path, environ: dict[str, str]
):
    keeper, run, stray = told(front)
    os.kill(keeper, signal.SIGKILL)
    assert front.wait(procs.PATIENCE) == 137
    procs.wait_for("the run to end with its keeper", lambda: gone(run))
    assert not gone(stray)
    with subprocess.Popen(["sleep", "60"]) as other:  # of the run around this one
        said = procs.run(sys.executable, "-c", "from tools import keeper; keeper.hold()", cwd=ROOT, env=environ)
        assert not said
        assert other.poll() is None
        other.kill()
    assert gone(stray)
    assert nothing_is_left(tmp_path)
