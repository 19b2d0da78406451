# SPDX-License-Identifier: Apache-2.0
"""Private message buses: a session bus for one user, and a system bus with a real polkitd for made-up users.

Neither touches the machine's own buses. The system bus and polkitd live in a mount namespace of their own, because
polkitd's folders are fixed at build time; clients need not be in it: the bus's socket is an ordinary path.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tools import traces
from tools.private_bus import private_bus

from . import mountns, need, procs

#: As Debian's system.conf: nobody owns a name and calls nobody unless a file in system.d says so.
SYSTEM_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <includedir>{policies}</includedir>
  <includedir>/usr/share/dbus-1/system.d</includedir>
</busconfig>
"""

#: Made-up users that the bus and polkitd know, and nobody else. The bus lets nobody in who has no passwd entry.
USERS = {"alice": 54321, "bob": 54322, "carol": 54323}
#: Their password, and how /etc/shadow has it.
PASSWORD = "right-password"
_HASH = "$6$lundock$Mu8r.HoNVrxzQdHvKA2VfVpFNSGiebwNM1LlSdK6lZfY.OXxEvHCCIDjGC/T1yoID.VzW.WX1FTa33URPX.rt/"
_PAM = "auth required pam_unix.so\naccount required pam_permit.so\n"

#: In the namespace: our folders over polkit's fixed ones, and the bus at the path that polkit's own helper expects.
NAMESPACE_SETUP = """
mount --bind "$1/actions" /usr/share/polkit-1/actions
mkdir -p /etc/polkit-1/rules.d
mount --bind "$1/rules.d" /etc/polkit-1/rules.d
mkdir -p /run/dbus
mount --bind "$1/run" /run/dbus
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount --bind "$1/group" /etc/group
mount --bind "$1/pam.d" /etc/pam.d
mkdir -p /run/systemd/sessions /run/systemd/users
mount --bind "$1/sessions" /run/systemd/sessions
mount --bind "$1/users" /run/systemd/users
exec "$2" --config-file="$1/system.conf" --nofork --nopidfile
"""


@contextlib.contextmanager
def session_bus(_folder: Path | None = None) -> Iterator[str]:
    """Run a bus; gives its address. Only this user may connect, and may do everything."""
    with private_bus(need.program("dbus-daemon")) as address:
        yield address


def has_owner(address: str, name: str) -> bool:
    """Whether somebody owns `name` on the bus."""
    result = procs.try_run(
        need.program("dbus-send"),
        f"--bus={address}",
        "--print-reply=literal",
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.NameHasOwner",
        f"string:{name}",
    )
    return result.returncode == 0 and "true" in result.stdout


def as_user(name: str) -> dict[str, object]:
    """Return the arguments that make subprocess start a program as one of USERS."""
    return {"user": USERS[name], "group": USERS[name], "extra_groups": []}


class PolkitBus:
    """A running system bus with polkitd: `address` for clients, `set_rules` for what polkit shall answer."""

    def __init__(self, folder: Path, actions: Sequence[Path], policies: Sequence[Path], rules: str) -> None:
        self.folder = folder
        self.address = f"unix:path={folder}/run/system_bus_socket"
        for name in ("actions", "rules.d", "run", "policies", "pam.d", "sessions", "users"):
            (folder / name).mkdir()
            (folder / name).chmod(0o755)
        for file in actions:
            shutil.copy(file, folder / "actions")
        for file in policies:
            shutil.copy(file, folder / "policies")
        self._rules = (
            folder / "rules.d" / "10-test.rules"
        )  # before the system's own, which says who is an administrator
        self._rules.write_text(rules, "utf-8")
        socket = folder / "run" / "system_bus_socket"
        (folder / "system.conf").write_text(SYSTEM_CONFIG.format(socket=socket, policies=folder / "policies"), "utf-8")
        extra = "".join(f"{name}:x:{uid}:{uid}::/nonexistent:/bin/sh\n" for name, uid in USERS.items())
        (folder / "passwd").write_text(Path("/etc/passwd").read_text("utf-8") + extra, "utf-8")
        storage = "storage:x:54399:alice\n"  # a group that a rule may name
        (folder / "group").write_text(Path("/etc/group").read_text("utf-8") + storage, "utf-8")
        shadow = "".join(f"{name}:{_HASH}:19000:0:99999:7:::\n" for name in USERS)
        (folder / "shadow").write_text(f"root:*:19000:0:99999:7:::\n{shadow}", "utf-8")
        (folder / "shadow").chmod(0o600)
        (folder / "pam.d" / "polkit-1").write_text(_PAM, "utf-8")
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the bus, then polkitd in the same mount namespace."""
        dbus = need.program("dbus-daemon")
        bus = procs.start([*mountns.own(NAMESPACE_SETUP), str(self.folder), dbus], stdin=subprocess.DEVNULL)
        self._processes.append(bus)
        socket = self.folder / "run" / "system_bus_socket"
        procs.wait_for("the system bus", lambda: procs.listening_at(socket) or bus.poll() is not None)
        assert bus.poll() is None, "dbus-daemon ended at once"
        self.start_polkit()

    def start_polkit(self) -> None:
        """Start polkitd (again, after `stop_polkit`)."""
        argv = [need.program("nsenter"), "-t", str(self._processes[0].pid), "-m", need.program("polkitd"), "--no-debug"]
        polkit = procs.start(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environ
        )
        self._processes.append(polkit)
        procs.wait_for(
            "polkitd",
            lambda: polkit.poll() is not None or has_owner(self.address, "org.freedesktop.PolicyKit1"),
        )
        assert polkit.poll() is None, "polkitd ended at once"

    def stop_polkit(self) -> None:
        """End polkitd alone: how a program does without it."""
        procs.stop(self._processes.pop())

    def set_rules(self, rules: str) -> None:
        """Give polkitd other rules. It is started again, because it notices changed files only in a while."""
        self._rules.write_text(rules, "utf-8")
        self.stop_polkit()
        self.start_polkit()

    @property
    def inside(self) -> list[str]:
        """The words that run a command where this bus is the system's, and passwords are those of USERS."""
        return [need.program("nsenter"), "-t", str(self._processes[0].pid), "-m"]

    @contextlib.contextmanager
    def logged_in(self, user: str, *, active: bool = True, remote: bool = False) -> Iterator[Path]:
        """Make a log-in session as logind keeps them; gives the control group that its processes are in.

        logind itself needs a machine that systemd started. polkitd reads its files, and which session a process
        belongs to from its control group: these are real.
        """
        number = f"c{os.getpid()}"
        state = {
            "UID": USERS[user], "USER": user, "ACTIVE": int(active), "STATE": "active" if active else "online",
            "REMOTE": int(remote), "IS_DISPLAY": 1, "TYPE": "x11", "CLASS": "user",
        }  # fmt: skip
        state |= {} if remote else {"SEAT": "seat0"}
        file = self.folder / "sessions" / number
        of_user = self.folder / "users" / str(USERS[user])
        for one in (file, of_user):
            one.write_text("".join(f"{key}={value}\n" for key, value in state.items()), "utf-8")
        group = _control_groups() / "user.slice" / f"user-{USERS[user]}.slice" / f"session-{number}.scope"
        made = [folder for folder in (group, *list(group.parents)[:2]) if not folder.exists()]
        group.mkdir(parents=True, exist_ok=True)
        try:
            yield group
        finally:
            for folder in made:
                folder.rmdir()
            file.unlink()
            of_user.unlink()

    def stop(self) -> None:
        """End both; the namespace and its mounts go with them."""
        while self._processes:
            procs.stop(self._processes.pop())

    @property
    def environ(self) -> dict[str, str]:
        """An environment in which programs find this bus as the system bus."""
        return {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address}


def _control_groups() -> Path:
    """Return the hierarchy that systemd's library looks at; skips where it cannot be written."""
    root = Path("/sys/fs/cgroup")
    for folder in (root / "unified", root / "systemd", root):
        if (folder / "cgroup.procs").exists():
            if os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_RDONLY:
                return folder
            break
    pytest.skip("control groups cannot be made here")


@contextlib.contextmanager
def polkit_bus(
    actions: Sequence[Path] = (), policies: Sequence[Path] = (), rules: str = "// none\n"
) -> Iterator[PolkitBus]:
    """Run a system bus with polkitd. `actions`: .policy files, `policies`: the bus's .conf files, `rules`: JavaScript.

    For root only (skips otherwise). The USERS need not exist on the machine: start a client with the bus's address and
    ``subprocess.Popen(..., **as_user("alice"))``.
    """
    need.root()
    for name in ("dbus-daemon", "polkitd", "unshare", "nsenter"):
        need.program(name)
    folder = Path(tempfile.mkdtemp(prefix=traces.PREFIX))
    folder.chmod(0o755)  # made-up users have to reach the socket
    bus = PolkitBus(folder, actions, policies, rules)
    try:
        bus.start()
        yield bus
    finally:
        bus.stop()
        shutil.rmtree(folder)
