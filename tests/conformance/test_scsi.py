# SPDX-License-Identifier: Apache-2.0
"""What disks need of SCSI, on the wire: large disks, every block size, LUN forms, limits, what changes while in use."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from conformance.harness import TARGET, Lab
from lundock.helper.target.config import DiskConfig
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.sense import Result, Sense

MakeLab = Callable[..., Lab]

TIB = 1 << 40
DATA = b"\xc3\x3c\x55" * 8192
READ_16, WRITE_16, READ_CAPACITY_16, REPORT_LUNS = 0x88, 0x8A, 0x9E, 0xA0
LUNS_CHANGED, MODE_CHANGED = Sense(0x6, 0x3F, 0x0E), Sense(0x6, 0x2A, 0x01)


def of_opcode(lab: Lab, opcode: int) -> list[Pdu]:
    return [pdu for pdu in lab.received(Op.SCSI_COMMAND) if pdu.cdb[0] == opcode]


@pytest.mark.parametrize(("block", "size"), [(512, 3 * TIB), (1024, 5 * TIB), (2048, 9 * TIB), (4096, 17 * TIB)])
def test_blocks_of_every_size_beyond_two_to_the_32(make_lab: MakeLab, block: int, size: int):
    """SBC-3, 5.11, 5.16, 5.36: 16-byte commands, whose LBA and length count the disk's own blocks."""
    lab = make_lab(disk={"size": size, "block_size": block}).up()
    assert (lab.host.found[0].size, lab.host.found[0].block_size) == (size, block)
    last = size // block - len(DATA) // block
    assert last > 1 << 32
    lab.finish(lab.write(last, DATA))
    call = lab.read(last, len(DATA))
    lab.finish(call)
    assert call.data == DATA
    for opcode in (WRITE_16, READ_16):
        (command,) = of_opcode(lab, opcode)
        assert int.from_bytes(command.cdb[2:10], "big") == last
        assert int.from_bytes(command.cdb[10:14], "big") == len(DATA) // block
        assert command.edtl == len(DATA)
    assert bytes(lab.server.units(TARGET)[0].disk.read(last * block, len(DATA))) == DATA


NUMBERS = (0, 1, 255, 256, 16383)


def test_every_lun_is_sent_back_as_it_was_listed(make_lab: MakeLab):
    """SAM-5, 4.7: peripheral addressing up to 255, flat beyond; each disk gets what is meant for it."""
    lab = make_lab(disks=[DiskConfig(size=1 << 20, lun=number) for number in NUMBERS]).up()
    assert sorted(lab.fronts) == list(NUMBERS)
    for number in NUMBERS:
        lab.finish(lab.write(0, bytes([number % 251]) * 512, lun=number))
    fields = [pdu.lun for pdu in of_opcode(lab, WRITE_16)]
    assert fields == [0, 1 << 48, 255 << 48, 0x4100 << 48, 0x7FFF << 48]
    assert [lab.on_disk(0, 1, lun=number)[0] for number in NUMBERS] == [number % 251 for number in NUMBERS]


@pytest.mark.parametrize(
    "field",
    [
        "0103000000000000",
        "4001000000000000",
        "d200123400000000",
        "e2000012345600f0",
        "8123456789abcdef",
        "0001000200030004",
    ],
)
def test_forms_that_we_do_not_make_are_sent_back_untouched(make_lab: MakeLab, field: str):
    """SAM-5, 4.7.7: another bus, flat for a small number, extended, long extended, logical unit, four levels."""
    lun = int(field, 16)
    lab = make_lab()
    listed = Result(data=(8).to_bytes(4, "big") + bytes(4) + lun.to_bytes(8, "big"))
    lab.play.when_executing(REPORT_LUNS, listed)
    lab.start()
    lab.until_state("connected")
    assert [info.address for info in lab.host.found] == [lun]
    assert {pdu.lun for pdu in lab.received(Op.SCSI_COMMAND) if pdu.cdb[0] != REPORT_LUNS} == {lun}


def test_well_known_units_are_no_disks(make_lab: MakeLab):
    """SPC-4, 7.8: C1 01 is REPORT LUNS itself."""
    lab = make_lab()
    luns = (0xC101 << 48, 0)
    body = b"".join(lun.to_bytes(8, "big") for lun in luns)
    lab.play.when_executing(REPORT_LUNS, Result(data=len(body).to_bytes(4, "big") + bytes(4) + body))
    lab.up()
    assert [info.address for info in lab.host.found] == [0]


def test_a_disk_that_grows_while_in_use_is_told_with_its_size(make_lab: MakeLab):
    """06/2A/09: the command is done, the capacity read again."""
    lab = make_lab().up()
    lab.server.units(TARGET)[0].resize(6 << 20)
    lab.finish(lab.write(0, DATA))
    lab.later(1, lambda: "size" in dict(lab.host.events).get("capacity-changed", {}))
    lab.until(lambda: ("capacity-changed", {"lun": f"{0:016x}", "size": 6 << 20}) in lab.host.events)
    lab.finish(lab.write(5 << 11, DATA))
    assert not lab.logins()


def test_a_disk_that_shrinks_while_in_use_is_refused(make_lab: MakeLab):
    """What was written at its end is gone: it is not the disk that somebody uses."""
    lab = make_lab().up()
    lab.server.units(TARGET)[0].resize(1 << 20)
    lab.finish(lab.write(0, DATA))
    lab.later(1, lambda: "identity-changed" in lab.host.kinds())
    assert lab.errors(lab.write(0, DATA)) == [errno.EIO]


def test_units_are_listed_again_when_the_target_says_so(make_lab: MakeLab):
    """06/3F/0E: once, however many units say it."""
    lab = make_lab(disks=[DiskConfig(size=1 << 20, lun=number) for number in (0, 1)]).up()
    for unit in lab.server.units(TARGET).values():
        unit.attention(LUNS_CHANGED)
    lab.finish(lab.write(0, DATA), lab.write(0, DATA, lun=1))
    lab.later(1, lambda: of_opcode(lab, REPORT_LUNS))
    lab.settle()
    assert len(of_opcode(lab, REPORT_LUNS)) == 1
    assert lab.host.kinds().count("luns-changed") == 2


def ask(lab: Lab, times: int) -> None:
    """Let a unit be asked, `times` in all."""
    lab.later(41, lambda: len(of_opcode(lab, 0x00)) >= times)
    lab.settle()


def test_idle_units_are_asked_in_turn_whether_something_changed(make_lab: MakeLab):
    """SAM-5, 5.14: a unit attention waits for a command: TEST UNIT READY, which does nothing else."""
    disks = [DiskConfig(size=1 << 20, lun=number) for number in (0, 1, 2)]
    lab = make_lab(disks=disks, settings={"look_interval": 40}).up()
    units = lab.server.units(TARGET)
    lab.clock.jump(30)
    lab.turn()
    assert not lab.received(Op.SCSI_COMMAND)
    units[2].attention(LUNS_CHANGED)
    for asked in (1, 2, 3):
        ask(lab, asked)
    assert sorted(pdu.lun for pdu in of_opcode(lab, 0x00)[:3]) == [0, 1 << 48, 2 << 48]
    lab.later(1, lambda: of_opcode(lab, REPORT_LUNS))
    assert ("luns-changed", {"lun": f"{2 << 48:016x}", "sense": "6/3f/0e"}) in lab.host.events
    lab.settle()
    assert not lab.logins()


def test_a_unit_that_is_busy_or_not_ready_is_no_news(make_lab: MakeLab):
    lab = make_lab(settings={"look_interval": 40}).up()
    for nth, result in enumerate((Result(status=0x08), Result.check(Sense(0x2, 0x04, 0x01))), 1):
        lab.play.when_executing(0x00, result, nth=nth)
    for asked in (1, 2, 3):
        ask(lab, asked)
    assert lab.host.events == []
    lab.peer.close()
    lab.until(lambda: lab.host.states.count("connected") == 2)
    ask(lab, 5)  # one more is the look at the unit when it came back


def test_a_full_queue_makes_fewer_commands_wait_at_the_target(make_lab: MakeLab):
    """SAM-5, 5.3.1, TASK SET FULL: all are done in the end, and meanwhile fewer are there at once."""
    lab = make_lab(target={"queue_depth": 64}).up()
    lab.play.when_executing(WRITE_16, Result(status=0x28), nth=3)
    calls = [lab.write(16 * at, DATA[:512]) for at in range(40)]
    for _ in range(30):
        if all(call.over for call in calls):
            break
        lab.clock.jump(1)
        lab.turn(3)
    lab.finish(*calls)
    assert lab.host.kinds().count("queue-full") == 1
    assert len(of_opcode(lab, WRITE_16)) == 41
    assert not lab.logins()


def test_fua_goes_to_disks_that_know_it(make_lab: MakeLab):
    """SBC-3, 5.36: bit 3 of byte 1."""
    lab = make_lab().up()
    lab.finish(lab.write(0, DATA, fua=True), lab.write(64, DATA))
    assert [pdu.cdb[1] & 0x08 for pdu in of_opcode(lab, WRITE_16)] == [0x08, 0]


def test_write_same_carries_one_block_and_says_how_many(make_lab: MakeLab):
    """SBC-3, 5.46: Expected Data Transfer Length is the one block's."""
    lab = make_lab().up()
    lab.fill(0, DATA)
    cdb = bytes([0x93, 0]) + (4).to_bytes(8, "big") + (8).to_bytes(4, "big") + bytes(2)
    lab.finish(lab.command(cdb, bytes(512)))
    (command,) = of_opcode(lab, 0x93)
    assert command.edtl == 512
    assert lab.on_disk(0, 16 * 512) == DATA[: 4 * 512] + bytes(8 * 512) + DATA[12 * 512 : 16 * 512]
