# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from lundock.helper.attach import devices, linux

#: As in proc(5), with a space in a name, an optional field more and less, and a file system with numbers of its own.
MOUNTS = r"""
36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
37 35 7:3 / /media/a\040disk rw,relatime shared:7 master:2 - ext4 /dev/loop3 rw
38 35 7:3 /sub /srv rw - ext4 /dev/loop3 rw
39 35 0:44 / /mnt/b rw,relatime - btrfs /dev/loop3 rw
40 35 7:4 / /other rw - ext4 /dev/loop4 rw
nonsense
41 35 7:3
"""


def test_mounts_are_found_by_number_and_by_source() -> None:
    assert list(devices._mounted(MOUNTS, {(7, 3)}, "/dev/loop3")) == ["/media/a disk", "/srv", "/mnt/b"]


def test_mounts_of_other_devices_are_not() -> None:
    assert list(devices._mounted(MOUNTS, {(7, 9)}, "/dev/loop9")) == []


def test_a_process_that_has_a_file_open_is_found(tmp_path: Path) -> None:
    file = tmp_path / "image"
    file.write_bytes(b"x")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        number = os.open(file, os.O_RDONLY)
        os.write(write, b"%d" % number)
        os.read(socket.socketpair()[0].fileno(), 1)  # for ever
        os._exit(0)
    try:
        os.read(read, 9)
        assert [(one.kind, one.pid) for one in devices.holders_of_file(str(file))] == [("process", child)]
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)
    assert devices.holders_of_file(str(file)) == []


def test_the_structures_have_the_kernel_s_sizes() -> None:
    """linux/loop.h: struct loop_info64 and loop_config; lo_flags stands before the names."""
    assert linux._LOOP_INFO.size == 232
    assert linux._LOOP_CONFIG.size == 304
    info = linux._LOOP_INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, 0x11, b"n", b"", b"", 0, 0)
    assert info[linux._FLAGS_AT : linux._FLAGS_AT + 4] == (0x11).to_bytes(4, "little")


@pytest.mark.parametrize(("text", "plain"), [(r"a\040b", "a b"), (r"\134x", "\\x"), ("plain", "plain")])
def test_names_in_proc_are_escaped(text: str, plain: str) -> None:
    assert devices._unescape(text) == plain
