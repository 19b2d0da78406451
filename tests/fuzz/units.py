# SPDX-License-Identifier: Apache-2.0
"""What logical units say: INQUIRY, VPD pages, sense, LUN lists, capacity, mode pages; the bring-up from all of them."""

from __future__ import annotations

from lundock.helper.api import control
from lundock.helper.api.errors import catalogue
from lundock.helper.engine import worker
from lundock.helper.engine.scsi import capacity, disk, inquiry, luns, mode, sense, vpd
from lundock.helper.engine.scsi.disk import LunInfo, ScsiRequest, ScsiResult

from .harness import Target

#: More requests than this are not needed to know a unit, however odd it is.
MAX_REQUESTS = 16 * (disk.MAX_ATTENTIONS + 1)


def inquiries(data: bytes) -> None:
    found = inquiry.parse(data)
    for text in (found.vendor, found.model, found.revision):
        assert text.isascii()
        assert text.isprintable()
    assert found.kind == "disk" or found.device_type


def pages(data: bytes) -> None:
    """The page is the one that the data says."""
    code = data[1] if len(data) > 1 else 0
    match code:
        case vpd.Page.SUPPORTED_PAGES:
            assert max(vpd.supported_pages(data), default=0) < 256
        case vpd.Page.SERIAL:
            assert vpd.serial(data).isascii()
        case vpd.Page.IDENTIFICATION:
            name = vpd.wwn(data)
            assert not name or name.startswith(("naa.", "eui.", "iqn.", "name.", "t10."))
            assert len(vpd.designators(data)) <= vpd.MAX_DESIGNATORS
        case vpd.Page.BLOCK_LIMITS:
            assert vpd.block_limits(data).max_write_same < 2**64
        case vpd.Page.CHARACTERISTICS:
            vpd.is_rotational(data)
        case _:
            vpd.provisioning(data)


def senses(data: bytes) -> None:
    found = sense.parse(data)
    assert found.key < 16
    assert found.information is None or found.information < 2**64
    str(found)
    for status in sense.Status:
        verdict = sense.classify(status, data)
        assert verdict.code in catalogue() or verdict.action is sense.Action.SUCCESS
        if status == sense.Status.CHECK_CONDITION and not found.valid:
            assert verdict.action is sense.Action.FAIL


def lists(data: bytes) -> None:
    found = luns.parse(data)
    assert len(found) <= luns.MAX_LUNS
    assert len(set(found)) == len(found)
    for lun in found:
        luns.describe(lun)
        number = luns.number(lun)
        assert 0 <= number < 2**64
        if number < 1 << 24:
            assert luns.number(luns.from_number(number)) == number


def capacities(data: bytes) -> None:
    """First byte: which of the two commands."""
    found = capacity.parse_16(data[1:]) if data[:1] != b"\x0a" else capacity.parse_10(data[1:])
    if found is not None:
        assert found.block_size in capacity.BLOCK_SIZES
        assert 0 < found.size < 2**63
        assert found.block_size <= found.physical_block_size <= found.block_size << 15


def modes(data: bytes) -> None:
    """First byte: which of the two commands."""
    (mode.parse_6 if data[:1] != b"\x0a" else mode.parse_10)(data[1:])


def scan(data: bytes) -> None:
    """The unit's answers, one after the other: status, length of data (two bytes), length of sense data."""
    steps = disk.scan() if data[:1] == b"\0" else disk.bring_up(1 << 48)
    rest = data[1:]
    count = units = 0
    try:
        request = next(steps)
        while True:
            count += 1
            units += request.cdb[0] == 0x12 and request.cdb[1] == 0
            assert count <= (units + 1) * MAX_REQUESTS
            result, rest = _answer(request, rest)
            request = steps.send(result)
    except StopIteration as stop:
        for info in stop.value if isinstance(stop.value, tuple) else (stop.value,):
            _check_info(info)


def _answer(request: ScsiRequest, rest: bytes) -> tuple[ScsiResult, bytes]:
    head = rest[:4].ljust(4, b"\0")
    length, sense_length = int.from_bytes(head[1:3], "big"), head[3]
    end = 4 + min(length, request.read_length)
    data = rest[4:end]
    return ScsiResult(head[0], data, rest[end : end + sense_length]), rest[end + sense_length :]


def _check_info(info: LunInfo) -> None:
    """A unit is of use, or says why not; and whatever it says can be told to the helper."""
    assert info.problem in catalogue() or (not info.problem and info.size and info.block_size)
    fields = {"luns": [worker._lun(info)], "more": False}
    message = control.Message("luns", fields)
    assert control.decode(control.encode(message, control.FROM_WORKER), (), control.FROM_WORKER).fields == fields


_MALFORMED = (inquiry.MalformedError,)

TARGETS = (
    Target("inquiry", run=inquiries, errors=_MALFORMED, longest=300),
    Target("vpd", run=pages, errors=_MALFORMED, longest=1100),
    Target("sense", run=senses, longest=300),
    Target("luns", run=lists, longest=9000, memory=4 << 20),
    Target("capacity", run=capacities, errors=_MALFORMED, longest=64),
    Target("mode", run=modes, errors=_MALFORMED, longest=1100),
    Target("unit", run=scan, longest=4096),
)
