# SPDX-License-Identifier: Apache-2.0
"""Debian's tgtd as a real target: on free ports, with its own control socket, so that several run at once.

    with Tgtd(tmp_path) as tgtd:
        target = tgtd.add_target("iqn.2026-01.example:one", [LunSpec(64 << 20)], chap=("alice", "secret-of-alice"))
        target.portal          # "127.0.0.1:40001"
        target.luns[0].file    # what the disk really holds

What it is and is not good for: it never sends asynchronous messages, negotiates ErrorRecoveryLevel 2 without having it,
sends one R2T at a time and closes the connection on a bad digest. LUN 0 is its controller; disks start at LUN 1.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from . import need, procs

#: tgtadm's wants control numbers of at most 16 bits; the socket's folder is our own, so they only have to differ in it.
_numbers = itertools.count(1)
Account = tuple[str, str]


@dataclass(frozen=True, slots=True)
class LunSpec:
    """A disk to make: of this many bytes, or on this file."""

    size_or_file: int | Path = 64 << 20
    blocksize: int = 512
    readonly: bool = False
    thin: bool = False


@dataclass(frozen=True, slots=True)
class TgtLun:
    """A disk that is there: `number` as in LUN, and the file behind it."""

    number: int
    file: Path
    spec: LunSpec


@dataclass(frozen=True, slots=True)
class TgtTarget:
    """A target that is there."""

    tid: int
    name: str
    portal: str
    portal6: str
    luns: tuple[TgtLun, ...]
    chap: Account | None
    mutual: Account | None

    def url(self, lun: int = 1, account: str = "") -> str:
        """Return the iscsi:// URL of one of its disks, as libiscsi writes it."""
        return f"iscsi://{account}{self.portal}/{self.name}/{lun}"


class Tgtd:
    """One tgtd with its portals on 127.0.0.1 and ::1."""

    def __init__(self, folder: Path, *, ipv6: bool = True) -> None:
        self.folder = folder
        self.control = next(_numbers)
        self.port = 0
        self.port6 = 0
        self._ipv6 = ipv6
        self._process: subprocess.Popen[bytes] | None = None
        self._tids = itertools.count(1)
        self._targets: list[TgtTarget] = []
        self._accounts: set[str] = set()
        self._setup: list[tuple[str, ...]] = []  # every tgtadm call that made something, to make it again on restart

    # -- the process -------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start it (again, at the same port, with everything that was set up)."""
        for _ in range(5):
            port = self.port or procs.free_port()
            if self._try_start(port):
                self.port = port
                break
        else:
            raise AssertionError(f"tgtd does not start:\n{self.log()}")
        if self._ipv6:
            self.port6 = self.port6 or procs.free_port("::1")
            self._adm("--op", "new", "--mode", "portal", "--param", f"portal=[::1]:{self.port6}")
        for words in self._setup:
            self._adm(*words)

    def _try_start(self, port: int) -> bool:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as log:
            self._process = procs.start(
                # setpriv: when pytest is killed, no tgtd stays behind
                [
                    need.program("setpriv"),
                    "--pdeathsig",
                    "KILL",
                    need.program("tgtd"),
                    "-C",
                    str(self.control),
                    "-f",
                    "--iscsi",
                    f"portal=127.0.0.1:{port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd="/",
            )
        process = self._process
        procs.wait_for("tgtd", lambda: process.poll() is not None or self._answers(port))
        return process.poll() is None

    def _answers(self, port: int) -> bool:
        return procs.listening("127.0.0.1", port) and self._try_adm("--op", "show", "--mode", "sys").returncode == 0

    def stop(self) -> None:
        """End it, as a power cut would: connections are reset."""
        if self._process is not None:
            self._process.kill()
            procs.stop(self._process)
            self._process = None

    def restart(self) -> None:
        """Stop and start: same ports, targets, accounts, and the disks' contents."""
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """Process id, for stopping it with a signal (SIGSTOP: a target that is silent)."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What it has written."""
        return self._log_path.read_text("utf-8", "replace") if self._log_path.exists() else ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def add_portal(self, address: str) -> int:
        """Listen at another address of this computer, too; returns the port."""
        port = procs.free_port(address)
        self._make("--op", "new", "--mode", "portal", "--param", f"portal={address}:{port}")
        return port

    # -- targets -----------------------------------------------------------------------------------------------
    def add_target(
        self,
        name: str,
        luns: Sequence[LunSpec] = (LunSpec(),),
        *,
        chap: Account | None = None,
        mutual: Account | None = None,
        digests: bool = False,
        parameters: Mapping[str, str] | None = None,
    ) -> TgtTarget:
        """Make a target that everybody may see.

        `chap` is the account that initiators need, `mutual` the one by which the target proves itself. `digests` lets
        it agree to CRC32C, preferred. `parameters` are its own keys, for example {"MaxRecvDataSegmentLength": "8192"}.
        """
        tid = next(self._tids)
        one = ("--tid", str(tid))
        self._make("--lld", "iscsi", "--op", "new", "--mode", "target", *one, "-T", name)
        made = tuple(self._add_lun(tid, number, spec) for number, spec in enumerate(luns, start=1))
        self._set(tid, {"HeaderDigest": "CRC32C,None", "DataDigest": "CRC32C,None"} if digests else {})
        self._set(tid, parameters or {})
        for account, outgoing in ((chap, ()), (mutual, ("--outgoing",))):
            if account:
                self._account(account)
                self._make("--lld", "iscsi", "--op", "bind", "--mode", "account", *one, "--user", account[0], *outgoing)
        self._make("--lld", "iscsi", "--op", "bind", "--mode", "target", *one, "-I", "ALL")
        portal6 = f"[::1]:{self.port6}" if self._ipv6 else ""
        target = TgtTarget(tid, name, f"127.0.0.1:{self.port}", portal6, made, chap, mutual)
        self._targets.append(target)
        return target

    def _add_lun(self, tid: int, number: int, spec: LunSpec) -> TgtLun:
        file = self._backing(tid, number, spec)
        at = ("--tid", str(tid), "--lun", str(number))
        new = ("--lld", "iscsi", "--op", "new", "--mode", "logicalunit", *at)
        self._make(*new, "--backing-store", str(file), "--blocksize", str(spec.blocksize))
        if spec.readonly:
            self.set_lun(tid, number, readonly=1)
        if spec.thin:
            self.set_lun(tid, number, thin_provisioning=1)
        return TgtLun(number, file, spec)

    def _backing(self, tid: int, number: int, spec: LunSpec) -> Path:
        if isinstance(spec.size_or_file, Path):
            return spec.size_or_file
        file = self.folder / f"disk-{tid}-{number}"
        with file.open("wb") as disk:
            disk.truncate(spec.size_or_file)
        return file

    def set_lun(self, tid: int, number: int, **values: int | str) -> None:
        """Change a unit: readonly=1, online=0, thin_provisioning=1, product_id="…" ..."""
        params = ",".join(f"{key}={value}" for key, value in values.items())
        at = ("--tid", str(tid), "--lun", str(number))
        self._make("--lld", "iscsi", "--op", "update", "--mode", "logicalunit", *at, "--params", params)

    def _set(self, tid: int, values: Mapping[str, str]) -> None:
        for key, value in values.items():
            words = ("--tid", str(tid), "--name", key, "--value", value)
            self._make("--lld", "iscsi", "--op", "update", "--mode", "target", *words)

    def add_lun(self, target: TgtTarget, number: int, spec: LunSpec, **values: int | str) -> TgtLun:
        """Make another disk of a target that is there; `values` as in `set_lun`."""
        made = self._add_lun(target.tid, number, spec)
        if values:
            self.set_lun(target.tid, number, **values)
        return made

    def remove_lun(self, target: TgtTarget, number: int) -> None:
        """Take a disk away."""
        self._adm(
            "--lld", "iscsi", "--op", "delete", "--mode", "logicalunit", "--tid", str(target.tid), "--lun", str(number)
        )

    def remove_target(self, target: TgtTarget) -> None:
        """Take a target away with its sessions; it does not come back on a restart."""
        one = ("--tid", str(target.tid))
        self._adm("--lld", "iscsi", "--op", "delete", "--mode", "target", *one, "--force")
        self._setup = [words for words in self._setup if not _about(words, target.tid)]
        self._targets.remove(target)

    def discovery_account(self, account: Account, mutual: Account | None = None) -> None:
        """Want this account from everybody who asks for the list of targets (for as long as this tgtd runs)."""
        for pair, outgoing in ((account, ()), (mutual, ("--outgoing",))):
            if pair:
                self._account(pair)
                self._make("--lld", "iscsi", "--op", "bind", "--mode", "account", "--user", pair[0], *outgoing)

    def _account(self, account: Account) -> None:
        user, secret = account
        if user not in self._accounts:
            self._accounts.add(user)
            self._make("--lld", "iscsi", "--op", "new", "--mode", "account", "--user", user, "--password", secret)

    # -- connections -------------------------------------------------------------------------------------------
    def connections(self, target: TgtTarget) -> tuple[tuple[int, int], ...]:
        """Return (session, connection) numbers as tgtadm knows them."""
        text = self._adm("--lld", "iscsi", "--op", "show", "--mode", "conn", "--tid", str(target.tid))
        found = []
        session = 0
        for line in text.splitlines():
            word, _, rest = line.strip().partition(": ")
            if word == "Session":
                session = int(rest)
            elif word == "Connection":
                found.append((session, int(rest)))
        return tuple(found)

    def cut_connections(self, target: TgtTarget) -> int:
        """Close every connection of a target, as a cut wire would; returns how many there were."""
        found = self.connections(target)
        for sid, cid in found:
            at = ("--tid", str(target.tid), "--sid", str(sid), "--cid", str(cid))
            self._adm("--lld", "iscsi", "--op", "delete", "--mode", "conn", *at)
        return len(found)

    # -- tgtadm ------------------------------------------------------------------------------------------------
    @property
    def _env(self) -> dict[str, str]:
        return {**os.environ, "TGT_IPC_SOCKET": str(self.folder / "socket")}

    @property
    def _log_path(self) -> Path:
        return self.folder / "tgtd.log"

    def _make(self, *words: str) -> str:
        out = self._adm(*words)
        self._setup.append(words)
        return out

    def _adm(self, *words: str) -> str:
        result = self._try_adm(*words)
        assert result.returncode == 0, f"tgtadm {words}: {result.stdout}{result.stderr}\n{self.log()}"
        return result.stdout

    def _try_adm(self, *words: str) -> subprocess.CompletedProcess[str]:
        return procs.try_run(need.program("tgtadm"), "-C", str(self.control), *words, env=self._env)


def _about(words: Iterable[str], tid: int) -> bool:
    listed = list(words)
    return "--tid" in listed and listed[listed.index("--tid") + 1] == str(tid)
