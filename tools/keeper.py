# SPDX-License-Identifier: Apache-2.0
"""A run that leaves nothing behind, however it ends: done, interrupted, killed, or its terminal closed.

`hold()` is the first call of a program that starts others. From there on the program runs in a grandchild:

    front       the process that was started: a signal to it interrupts the run, and one more kills it; ends as the
                run has ended
      keeper    adopts orphans; when front or run is gone it ends what is left of both, and takes down what outlives
        run     processes: mounts, loop devices, network namespaces, folders. Everything else of the program

The keeper holds a lock on a file that names the run. Where the keeper itself was killed, nobody holds it any more, and
the next run of this user takes down what carries that run's mark (see traces.py), and nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from lundock.helper.engine import sandbox

from . import mounting, traces

_PR_SET_PDEATHSIG = 1
_SI_KERNEL = 0x80
_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
#: What the keeper is told: the front has ended; the terminal has interrupted the run.
_GONE, _SEEN = signal.SIGUSR1, signal.SIGUSR2
_AWAITED = _ENDING | {signal.SIGCHLD, _GONE, _SEEN}
#: How long an interrupted run may take to take everything down; what comes within the first moment is the same signal.
_GRACE, _MOMENT = 60.0, 1.0
#: How long what is left may take to end by itself, and how long a killed process may take to be gone.
_PATIENCE = 2.0, 10.0


class _State:
    held = False


def hold() -> None:
    """Go on in a grandchild, over which a keeper watches. For programs without threads so far; once is enough."""
    if _State.held:
        return
    _State.held = True
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    front = os.getpid()
    keeper = os.fork()
    if keeper:
        _stand_in_front(keeper)
    lock = _Lock.take(traces.OWN)
    _sweep()
    _die_with(front, _GONE)
    sandbox.become_subreaper()
    keeper = os.getpid()
    run = os.fork()
    if run:
        _keep(run, lock)
    os.close(lock.fd)
    _die_with(keeper, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what is behind an & ignore it
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sys.excepthook = _say
    traces.mark()


def covers(folder: Path) -> None:
    """Tell the keeper of a folder whose name does not begin with the mark, so that mounts in it are ours."""
    with _lock_file(traces.OWN).open("a", encoding="utf-8") as file:
        file.write(f"{folder}\n")


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("\nStopped.\n")
    else:
        sys.__excepthook__(kind, error, trace)


def _die_with(parent: int, number: signal.Signals) -> None:
    """Be sent a signal when the parent has ended, also when it has already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


# ---- the front ---------------------------------------------------------------------------------------------------


def _stand_in_front(keeper: int) -> NoReturn:
    """Hand on what is sent: the terminal's has reached the run as well, and what nohup has us ignore is nothing."""
    wanted = {number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN}
    while True:
        told = signal.sigwaitinfo(_AWAITED)
        if told.si_signo == signal.SIGCHLD:
            pid, status = os.waitpid(keeper, os.WNOHANG)
            if pid:
                os._exit(_code(status))
        elif told.si_signo in wanted:
            os.kill(keeper, _SEEN if told.si_code == _SI_KERNEL else signal.SIGINT)


def _code(status: int) -> int:
    """Return the exit code as a shell gives it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


# ---- the keeper --------------------------------------------------------------------------------------------------


def _keep(run: int, lock: _Lock) -> NoReturn:
    code = 1
    try:
        os.setpgid(0, 0)  # what is sent to the whole group of the run is not for us
        sandbox.set_name("lundock-keeper")
        code = _wait_for(run)
        _end_children()
        lock.take_down()
        _sweep()  # for a run inside this one
    finally:
        os._exit(code)


def _wait_for(run: int) -> int:
    """Wait until the run has ended, or the front is gone; interrupt it when told to. Returns the run's exit code."""
    interrupted = math.inf
    while True:
        told = signal.sigtimedwait(_AWAITED, _GRACE / 10)
        number, now = told.si_signo if told else 0, time.monotonic()
        if number == _GONE:
            return 128 + signal.SIGKILL
        asked = number in _ENDING or number == _SEEN
        if now > interrupted + (_MOMENT if asked else _GRACE):
            os.kill(run, signal.SIGKILL)
        elif asked and interrupted == math.inf:
            interrupted = now
            if number != _SEEN:
                os.kill(run, signal.SIGINT)  # whatever it was: everything is to be taken down in its order
        for pid, status in _ended():
            if pid == run:
                return _code(status)


def _ended() -> Iterator[tuple[int, int]]:
    """Give each child that has ended; ChildProcessError is for nobody: then there are none."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found


def _end_children() -> None:
    """End all descendants: those whose parents have ended are our children."""
    for number, patience in zip((signal.SIGTERM, signal.SIGKILL), _PATIENCE, strict=True):
        deadline = time.monotonic() + patience
        _send(number, traces.descendants(os.getpid()) - {os.getpid()})
        while _has_children() and time.monotonic() < deadline:
            if number == signal.SIGKILL:  # also what was started meanwhile
                _send(number, traces.descendants(os.getpid()) - {os.getpid()})
            time.sleep(0.01)


def _send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _has_children() -> bool:
    list(_ended())
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


# ---- what is taken down ------------------------------------------------------------------------------------------


class _Lock:
    """A file that names a run, and further folders of its; locked for as long as its keeper lives."""

    def __init__(self, mark: str, fd: int) -> None:
        self.mark = mark
        self.fd = fd

    @classmethod
    def take(cls, mark: str, *, create: bool = True) -> _Lock:
        """Raise OSError when it is another's, or locked."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
        fd = os.open(_lock_file(mark), flags, 0o600)
        try:
            if os.fstat(fd).st_uid != os.geteuid():
                raise PermissionError(mark)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        return cls(mark, fd)

    def take_down(self) -> None:
        """Take down what the run has left, and say what that was."""
        told = os.pread(self.fd, 1 << 20, 0).decode("utf-8", "replace").split("\n")
        own = Path(tempfile.gettempdir(), traces.prefix(self.mark))
        folders = [own, *(Path(line) for line in told if line)]
        found = [*_processes(self.mark), *_mounts(folders), *_namespaces(self.mark)]
        if not [*mounting.places(folders, inside=True)]:  # else it would empty a disk
            _remove(own.parent.glob(f"{own.name}*"))
        os.close(self.fd)
        sys.stderr.write("".join(f"taken down after the run: {one}\n" for one in found))
        sys.stderr.flush()


def _lock_file(mark: str) -> Path:
    return Path(tempfile.gettempdir(), f"{traces.prefix(mark)}run")


def _sweep() -> None:
    """Take down what is left of this user's runs whose keepers were killed."""
    for file in Path(tempfile.gettempdir()).glob(_lock_file("*").name):
        with contextlib.suppress(OSError):
            _Lock.take(file.name.split("-")[1], create=False).take_down()


def _remove(places: Iterable[Path]) -> None:
    for place in places:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)


def _processes(mark: str) -> list[str]:
    """Kill what carries the mark: of a run whose keeper was killed."""
    found = dict(traces.marked(mark))
    _send(signal.SIGKILL, found)
    deadline = time.monotonic() + _PATIENCE[1]
    while dict(traces.marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [f"process {pid}: {words[:100]}" for pid, words in found.items()]


def _mounts(folders: Sequence[Path]) -> list[str]:
    found = [*traces.loops(folders), *traces.mounts(folders)]
    mounting.take_down(folders)
    return found


def _namespaces(mark: str) -> list[str]:
    names = [*traces.namespaces(mark)]
    for name in names:
        mounting.works(["ip", "netns", "del", name])
    return [f"network namespace {name}" for name in names]
