# SPDX-License-Identifier: Apache-2.0
"""Scan and bring-up against Debian's tgtd, with a driver that has one command on its way at a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Self

import pytest
from lundock.helper.engine import pdu
from lundock.helper.engine.framing import PduReader, assemble
from lundock.helper.engine.login import Login, LoginConfig
from lundock.helper.engine.names import parse_portal
from lundock.helper.engine.scsi import cdb, disk, luns, sense
from lundock.helper.engine.scsi.disk import LunInfo, ScsiRequest, ScsiResult, Steps
from support.tgtd import LunSpec, Tgtd, TgtTarget


@pytest.fixture(scope="module")
def tgtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tgtd]:
    with Tgtd(tmp_path_factory.mktemp("tgtd"), ipv6=False) as daemon:
        yield daemon


class Driver:
    """A session with one command at a time, all data immediate or read."""

    def __init__(self, target: TgtTarget, **settings: object) -> None:
        portal = parse_portal(target.portal)
        self.sock = socket.create_connection((portal.address, portal.port), timeout=10)
        login = Login(LoginConfig("iqn.2026-01.example:disk", target_name=target.name, settings=settings), 0.0)  # type: ignore[arg-type]
        while not login.done:
            self.sock.sendall(login.to_send())
            login.feed(self.sock.recv(65536), time.monotonic())
        assert login.result is not None
        self.parameters = login.result.parameters
        self.digests = {"header_digest": self.parameters.header_digest, "data_digest": self.parameters.data_digest}
        self.cmd_sn, self.exp_stat_sn = login.result.cmd_sn, login.result.exp_stat_sn
        self.reader = PduReader(self.parameters.max_recv, **self.digests)

    def carry_out(self, request: ScsiRequest) -> ScsiResult:
        assert len(request.data) <= self.parameters.first_burst_length
        direction = pdu.READ if request.read_length else pdu.WRITE if request.data else 0
        header = pdu.scsi_command(
            lun=request.lun,
            itt=self.cmd_sn,
            cdb=request.cdb,
            expected_length=request.read_length or len(request.data),
            cmd_sn=self.cmd_sn,
            exp_stat_sn=self.exp_stat_sn,
            flags=pdu.FINAL | direction,
            data_length=len(request.data),
        )
        self.sock.sendall(assemble(header, request.data, **self.digests))
        found = bytearray()
        while True:
            response, data = self._next()
            if isinstance(response, pdu.DataIn):
                found[response.offset : response.offset + len(data)] = data
                if response.flags & pdu.STATUS:
                    return self._done(response.stat_sn, response.status, bytes(found), b"")
            elif isinstance(response, pdu.ScsiResponse):
                return self._done(response.stat_sn, response.status, bytes(found), pdu.split_sense(data)[0])
            else:
                pytest.fail(f"unexpected: {response}")

    def _done(self, stat_sn: int, status: int, data: bytes, sense_data: bytes) -> ScsiResult:
        self.exp_stat_sn = pdu.sn_add(stat_sn)
        self.cmd_sn = pdu.sn_add(self.cmd_sn)
        return ScsiResult(status, data, sense_data)

    def _next(self) -> tuple[pdu.AnyResponse, bytes]:
        while (found := self.reader.next()) is None:
            got = self.sock.recv(65536)
            assert got
            self.reader.feed(got)
        return pdu.parse(found[0]), found[1]

    def run(self, steps: Steps[disk.T]) -> disk.T:
        try:
            request = next(steps)
            while True:
                request = steps.send(self.carry_out(request))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def disk_of(units: tuple[LunInfo, ...]) -> LunInfo:
    return next(unit for unit in units if unit.number == 1)


def test_scan(tgtd: Tgtd) -> None:
    target = tgtd.add_target("iqn.2026-01.example:scan", [LunSpec(3 << 20), LunSpec(1 << 20)])
    with Driver(target) as driver:
        units = driver.run(disk.scan())
    assert [unit.number for unit in units] == [0, 1, 2]
    assert (units[0].kind, units[0].problem) == ("controller", "NotADisk")
    assert [(u.kind, u.size, u.block_size, u.read_only, u.problem) for u in units[1:]] == [
        ("disk", 3 << 20, 512, False, ""),
        ("disk", 1 << 20, 512, False, ""),
    ]
    assert units[1].vendor == "IET"
    assert units[1].wwn.startswith(("naa.", "eui.", "t10."))
    assert units[1].serial != units[2].serial


def test_blocks_of_4096(tgtd: Tgtd) -> None:
    target = tgtd.add_target("iqn.2026-01.example:big-blocks", [LunSpec(8 << 20, blocksize=4096)])
    with Driver(target) as driver:
        unit = disk_of(driver.run(disk.scan()))
    assert (unit.size, unit.block_size, unit.problem) == (8 << 20, 4096, "")


def test_read_only(tgtd: Tgtd) -> None:
    target = tgtd.add_target("iqn.2026-01.example:read-only", [LunSpec(1 << 20, readonly=True)])
    with Driver(target) as driver:
        unit = disk_of(driver.run(disk.scan()))
        assert unit.read_only
        result = driver.carry_out(ScsiRequest(unit.address, cdb.write16(0, 1), data=bytes(512)))
    assert sense.classify(result.status, result.sense).code == "WriteProtected"


def test_offline(tgtd: Tgtd) -> None:
    target = tgtd.add_target("iqn.2026-01.example:offline", [LunSpec(1 << 20)])
    tgtd.set_lun(target.tid, 1, online=0)
    with Driver(target) as driver:
        unit = disk_of(driver.run(disk.scan()))
    assert unit.problem == "NotReady"


def test_thin(tgtd: Tgtd) -> None:
    target = tgtd.add_target("iqn.2026-01.example:thin", [LunSpec(4 << 20, thin=True)])
    file = target.luns[0].file
    file.write_bytes(b"\xaa" * (4 << 20))
    with Driver(target) as driver:
        unit = disk_of(driver.run(disk.scan()))
        assert unit.thin
        assert unit.unmap
        data = cdb.unmap_data([(8, 8), (1024, 16)])
        result = driver.carry_out(ScsiRequest(unit.address, cdb.unmap(len(data)), data=data))
        assert result.status == sense.Status.GOOD
    after = file.read_bytes()
    assert after[8 * 512 : 16 * 512] == bytes(8 * 512)
    assert after[1024 * 512 : 1040 * 512] == bytes(16 * 512)
    assert after[16 * 512 : 1024 * 512] == b"\xaa" * (1008 * 512)


def test_reads_and_writes(tgtd: Tgtd) -> None:
    target = tgtd.add_target("iqn.2026-01.example:read-write", [LunSpec(1 << 20)], digests=True)
    with Driver(target, header_digest=("CRC32C",), data_digest=("CRC32C",)) as driver:
        lun = luns.from_number(1)
        driver.run(disk.bring_up(lun))
        block = bytes(range(256)) * 2
        assert driver.carry_out(ScsiRequest(lun, cdb.write16(7, 1, fua=True), data=block)).status == sense.Status.GOOD
        assert driver.carry_out(ScsiRequest(lun, cdb.write10(8, 1), data=block[::-1])).status == sense.Status.GOOD
        assert driver.carry_out(ScsiRequest(lun, cdb.synchronize_cache16())).status == sense.Status.GOOD
        assert driver.carry_out(ScsiRequest(lun, cdb.synchronize_cache10())).status == sense.Status.GOOD
        assert driver.carry_out(ScsiRequest(lun, cdb.read16(7, 2), 1024)).data == block + block[::-1]
        assert driver.carry_out(ScsiRequest(lun, cdb.read10(8, 1), 512)).data == block[::-1]
        same = ScsiRequest(lun, cdb.write_same16(16, 4), data=block)
        assert driver.carry_out(same).status == sense.Status.GOOD
        assert driver.carry_out(ScsiRequest(lun, cdb.read16(16, 4), 2048)).data == block * 4
        beyond = driver.carry_out(ScsiRequest(lun, cdb.read16(1 << 40, 1), 512))
    assert sense.classify(beyond.status, beyond.sense).event == "out-of-range"
    raw = target.luns[0].file.read_bytes()
    assert raw[7 * 512 : 9 * 512] == block + block[::-1]


def test_a_lun_that_is_not_there(tgtd: Tgtd) -> None:
    target = tgtd.add_target("iqn.2026-01.example:no-lun", [LunSpec(1 << 20)])
    with Driver(target) as driver:
        assert driver.run(disk.bring_up(luns.from_number(9))).problem == "NoSuchLun"
