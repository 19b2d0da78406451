# SPDX-License-Identifier: Apache-2.0
"""What a test needs from the machine: asked here, so that a skip names its reason and is counted.

A missing *package* is a skip on a developer's machine and a failure where ``CI=true``, because there everything is
installed. What the machine itself lacks (no FUSE, no rights, no kernel module) is a skip everywhere.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

#: Which Debian package brings a program, where the names differ.
PACKAGES = {
    "tgtd": "tgt",
    "tgtadm": "tgt",
    "iscsi-ls": "libiscsi-bin",
    "iscsi-inq": "libiscsi-bin",
    "iscsi-test-cu": "libiscsi-bin",
    "qemu-img": "qemu-utils",
    "qemu-io": "qemu-utils",
    "nbdinfo": "libnbd-bin",
    "nbdcopy": "libnbd-bin",
    "dbus-daemon": "dbus-daemon",
    "dbus-send": "dbus-bin",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "iscsi-readcapacity16": "libiscsi-bin",
    "fuse2fs": "fuse2fs",
    "mke2fs": "e2fsprogs",
    "Xvfb": "xvfb",
    "mkfs.ext4": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "fstrim": "util-linux",
    "unshare": "util-linux",
    "ip": "iproute2",
    "fusermount3": "fuse3",
    "polkitd": "polkitd",
    "at-spi2-registryd": "at-spi2-core",
    "groff": "groff-base",
    "busctl": "systemd",
    "gdbus": "libglib2.0-bin",
    "cc": "gcc",
    "pkttyagent": "polkitd",
    "polkit-agent-helper-1": "polkitd",
    "gnome-keyring-daemon": "gnome-keyring",
}
#: Folders that hold programs which are not for everyday use.
MORE_FOLDERS = ("/usr/sbin", "/sbin", "/usr/lib/polkit-1", "/usr/libexec")


def in_ci() -> bool:
    """Whether everything is supposed to be installed."""
    return os.environ.get("CI", "").lower() in {"true", "1"}


def find_program(name: str) -> str | None:
    """Return where the program is, or None."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *MORE_FOLDERS]))


def missing(package: str, why: str) -> None:
    """Skip for a missing package, or fail where it has to be there."""
    text = f"{why}: install the package {package}"
    if in_ci():
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def program(name: str) -> str:
    """Return the program's path; skips (in CI: fails) when it is not installed."""
    found = find_program(name)
    if found is None:
        missing(PACKAGES.get(name, name), f"{name} is not installed")
        raise AssertionError  # not reached: missing() raises
    return found


def qemu_iscsi() -> None:
    """Skip unless qemu's tools speak iSCSI."""
    program("qemu-img")
    if not any(Path("/usr/lib").glob("*/qemu/block-iscsi.so")):
        missing("qemu-block-extra", "qemu has no iSCSI driver")


def root() -> None:
    """Skip unless we are root with the rights that root usually has."""
    if os.geteuid() != 0:
        pytest.skip("needs root")


def fuse() -> None:
    """Skip where FUSE file systems cannot be mounted."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("no /dev/fuse that we may open")


def loop() -> None:
    """Skip where there are no loop devices."""
    if not Path("/dev/loop-control").exists():
        pytest.skip("no loop devices on this kernel")
