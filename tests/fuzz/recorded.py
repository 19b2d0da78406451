# SPDX-License-Identifier: Apache-2.0
"""Seeds from life: what the built-in target and tgtd answer to login, discovery and a scan; what nbdinfo says."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from lundock.helper.api.errors import Problem
from lundock.helper.engine import chap
from lundock.helper.engine.discovery import Discovery
from lundock.helper.engine.login import Login
from lundock.helper.engine.nbd_handshake import Export, Handshake
from lundock.helper.engine.scsi import disk, luns
from lundock.helper.target.chap import Account
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server
from support.raw import RawInitiator
from support.tgtd import LunSpec, Tgtd

from . import streams
from .streams import SECRETS, TARGET

Seeds = Iterator[tuple[str, bytes]]


def _converse(machine: Login | Discovery, address: tuple[str, int]) -> bytes:
    """Let a machine talk to a target; returns what the target said."""
    said = b""
    with socket.create_connection(address, 10) as sock:
        try:
            while not machine.done:
                sock.sendall(machine.to_send())
                data = sock.recv(65536)
                said += data
                if not data:
                    machine.eof(0.0)
                machine.feed(data, 0.0)
        except (Problem, OSError):
            pass
    return said


def _streams(address: tuple[str, int], flags: Iterable[int]) -> Seeds:
    for one in flags:
        for name, kind in (("login", Login), ("discovery", Discovery)):
            chap._sent.clear()
            said = _converse(kind(streams.config(one), 0.0, random=streams.random), address)
            yield name, bytes((one,)) + said
            yield "framing", bytes((0xC0 & one << 6,)) + said
            for text in _texts(said):
                yield "text", text
                yield "keys", bytes((one & 0xFF,)) + text
                yield "chap", bytes((one & 1,)) + text


def _texts(said: bytes) -> Iterator[bytes]:
    while len(said) >= 48:
        length = int.from_bytes(said[5:8], "big")
        if length:
            yield said[48 : 48 + length]
        said = said[48 + (length + 3) // 4 * 4 :]


def _scan(port: int, lun: int) -> Seeds:
    """Ask a real unit everything that a bring-up asks."""
    with RawInitiator(port) as raw:
        assert raw.login(TARGET).login_status == 0
        said = b""
        for steps, first in ((disk.bring_up(lun), b"\1"), (disk.scan(), b"\0")):
            said = first
            answers: list[bytes] = []
            try:
                request = next(steps)
                while True:
                    result = _ask(raw, request)
                    answers.append(result.data)
                    said += bytes((result.status,)) + len(result.data).to_bytes(2, "big") + bytes((len(result.sense),))
                    said += result.data + result.sense
                    yield from _parser_seeds(request.cdb, result)
                    request = steps.send(result)
            except StopIteration:
                yield "unit", said


def _ask(raw: RawInitiator, request: disk.ScsiRequest) -> disk.ScsiResult:
    raw.command(request.cdb, read=request.read_length, lun=request.lun >> 48)
    data = b""
    while True:
        pdu = raw.receive()
        if pdu.op == 0x25:
            data += bytes(pdu.data)
            if pdu.flags & 1:
                return disk.ScsiResult(pdu.status, data)
        elif pdu.op == 0x21:
            sense = bytes(pdu.data)
            return disk.ScsiResult(pdu.status, data, sense[2 : 2 + int.from_bytes(sense[:2], "big")])


_PARSERS = {
    0xA0: ("luns", b""),
    0x9E: ("capacity", b"\x10"),
    0x25: ("capacity", b"\x0a"),
    0x1A: ("mode", b"\x06"),
    0x5A: ("mode", b"\x0a"),
}


def _parser_seeds(asked: bytes, result: disk.ScsiResult) -> Seeds:
    if result.sense:
        yield "sense", result.sense
    if asked[0] == 0x12:
        yield ("vpd" if asked[1] & 1 else "inquiry"), result.data
    elif asked[0] in _PARSERS:
        name, first = _PARSERS[asked[0]]
        yield name, first + result.data


def builtin() -> Seeds:
    account, other = Account("alice", SECRETS[0]), Account("storage", SECRETS[1])
    disks = (DiskConfig(size=1 << 20), DiskConfig(size=8 << 40, lun=300, block_size=4096, read_only=True))
    plain = TargetConfig(TARGET, disks)
    digests = TargetConfig(TARGET, disks, parameters={"HeaderDigest": "CRC32C", "DataDigest": "CRC32C"})
    configs = [
        ServerConfig((plain,)),
        ServerConfig((digests,)),
        ServerConfig((TargetConfig(TARGET, disks, redirect="[2001:db8::5]:3261"),)),
        ServerConfig((TargetConfig(TARGET, disks, redirect="disk.example", redirect_permanent=True),)),
        ServerConfig((TargetConfig("iqn.2026-01.example:other", disks),)),
        ServerConfig((TargetConfig(TARGET, disks, initiators=("iqn.2026-01.example:friend",)),)),
    ]
    for algorithm in (8, 7, 6, 5):
        target = TargetConfig(TARGET, disks, chap=account, mutual=other, algorithms=(algorithm,))
        configs.append(ServerConfig((target,), discovery_chap=account, discovery_mutual=other))
    for config in configs:
        with Server(config) as server:
            yield from _streams(("127.0.0.1", server.port), (0, 1, 2, 4, 8, 16, 48, 66, 128, 130))
    with Server(configs[0]) as server:
        yield from _scan(server.port, 0)
        yield from _scan(server.port, luns.from_number(300))


def tgtd() -> Seeds:
    with tempfile.TemporaryDirectory() as folder, Tgtd(Path(folder), ipv6=False) as real:
        real.add_target(TARGET, [LunSpec(1 << 20), LunSpec(1 << 20, blocksize=4096, readonly=True, thin=True)])
        yield from _streams(("127.0.0.1", real.port), (0, 4, 8, 16, 48, 128))
        for lun in (0, 1 << 48, 2 << 48, 9 << 48):
            yield from _scan(real.port, lun)
    with tempfile.TemporaryDirectory() as folder, Tgtd(Path(folder), ipv6=False) as real:
        real.add_target(
            TARGET, [LunSpec(1 << 20)], chap=("alice", SECRETS[0]), mutual=("storage", SECRETS[1]), digests=True
        )
        yield from _streams(("127.0.0.1", real.port), (0, 1, 2, 65, 66))


def nbdinfo() -> Seeds:
    """What a real NBD client says."""
    for words in (["--size"], ["--list"], ["--can", "trim"]):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            path = f"{folder}/nbd"
            listener.bind(path)
            listener.listen(1)
            said: list[bytes] = []
            thread = threading.Thread(target=_greet, args=(listener, said))
            thread.start()
            subprocess.run(
                ["nbdinfo", *words, f"nbd+unix:///?socket={path}"], capture_output=True, timeout=20, check=False
            )
            thread.join(20)
        yield "nbd-handshake", b"".join(said)
        yield "nbd", b"\1" + b"".join(said)


def _greet(listener: socket.socket, said: list[bytes]) -> None:
    sock, _ = listener.accept()
    with sock:
        machine = Handshake(Export(1 << 20, 1, (512, 4096, 32 << 20)))
        while True:
            try:
                sock.sendall(machine.to_send())
                data = sock.recv(65536)
            except OSError:
                return
            if not data:
                return
            said.append(data)
            if not machine.done and not machine.aborted:
                machine.feed(data)


SOURCES = (builtin, tgtd, nbdinfo)
