# SPDX-License-Identifier: Apache-2.0
"""What a logical unit is, found out by generators that need no I/O.

    steps = bring_up(lun)
    request = next(steps)
    while True:
        request = steps.send(carry_out(request))     # until StopIteration, whose value is the result

A unit attention is asked again at once, a few times. What is to be asked again *later* (busy, becoming ready) whoever
carries the requests out may wait for and repeat; what reaches the generator is final, and becomes the unit's `problem`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeVar

from . import capacity, cdb, inquiry, luns, mode, sense, vpd
from .capacity import Capacity
from .inquiry import MalformedError
from .sense import Action
from .vpd import Page

#: A unit that keeps on attending (unit attentions) is given up after so many.
MAX_ATTENTIONS = 16


@dataclass(frozen=True, slots=True)
class ScsiRequest:
    """A command to be sent to `lun` (the 8 bytes as an int): reads up to `read_length` bytes, or sends `data`."""

    lun: int
    cdb: bytes
    read_length: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class ScsiResult:
    """What came back: SCSI status, data as long as it really was, sense data without its length."""

    status: int
    data: bytes = b""
    sense: bytes = b""


@dataclass(frozen=True, slots=True)
class LunInfo:
    """What is known of a logical unit; sizes in bytes, limits in blocks, 0 where the unit names no limit.

    `address` is the LUN field as an int, `number` what people write, `problem` a code of errors.toml when it is not
    usable.
    """

    address: int
    number: int
    kind: str = "disk"
    vendor: str = ""
    model: str = ""
    revision: str = ""
    serial: str = ""
    wwn: str = ""
    size: int = 0
    block_size: int = 0
    physical_block_size: int = 0
    read_only: bool = False
    fua: bool = False
    write_cache: bool = False
    thin: bool = False
    removable: bool = False
    rotational: bool = True
    read_zeros: bool = False
    unmap: bool = False
    max_unmap_blocks: int = 0
    max_unmap_extents: int = 0
    unmap_granularity: int = 0
    unmap_alignment: int = 0
    write_same: bool = False
    write_same_unmap: bool = False
    max_write_same_blocks: int = 0
    max_transfer_blocks: int = 0
    optimal_transfer_blocks: int = 0
    problem: str = ""


T = TypeVar("T")
Steps = Generator[ScsiRequest, ScsiResult, T]


def scan() -> Steps[tuple[LunInfo, ...]]:
    """REPORT LUNS, then each unit. A target without REPORT LUNS is taken to have LUN 0."""
    found = yield from _report_luns()
    units: list[LunInfo] = []
    for lun in found:
        if not luns.is_well_known(lun):
            units.append((yield from bring_up(lun)))  # noqa: PERF401 - a comprehension cannot yield
    return tuple(units)


def _report_luns() -> Steps[tuple[int, ...]]:
    """Ask again with more room when the list was longer than the first answer (RFC 7143, 11.4.5.3)."""
    length = luns.FIRST_LENGTH
    result = yield from _ask(ScsiRequest(0, cdb.report_luns(length), length))
    wanted = luns.list_length(result.data)
    if wanted > length and not _code(result):
        result = yield from _ask(ScsiRequest(0, cdb.report_luns(wanted), wanted))
    return (0,) if _code(result) else luns.parse(result.data)


def bring_up(lun: int) -> Steps[LunInfo]:
    """INQUIRY, VPD pages, TEST UNIT READY, READ CAPACITY, MODE SENSE. A unit that is not usable has a `problem`."""
    info = LunInfo(lun, luns.number(lun))
    result = yield from _ask(ScsiRequest(lun, cdb.inquiry(inquiry.LENGTH), inquiry.LENGTH))
    found = _parsed(inquiry.parse, result)
    if found is None:
        return replace(info, kind="other", problem=_code(result) or "ScsiError")
    info = replace(
        info,
        kind=found.kind,
        vendor=found.vendor,
        model=found.model,
        revision=found.revision,
        removable=found.removable,
    )
    if not found.present:
        return replace(info, kind="other", problem="NoSuchLun")
    if found.kind != "disk":
        return replace(info, problem="NotADisk")
    return (yield from _disk(info))


def _disk(info: LunInfo) -> Steps[LunInfo]:
    """Fill in what only a disk has."""
    pages = yield from _supported_pages(info.address)
    info = yield from _identity(info, pages)
    ready = yield from _ask(ScsiRequest(info.address, cdb.test_unit_ready()))
    size, problem = yield from _capacity(info.address)
    if size is None:
        return replace(info, problem=_code(ready) or problem)
    info = yield from _limits(info, pages, size)
    info = yield from _mode(info)
    not_ready = _code(ready)
    # Somebody else's reservation does not keep the size from being shown, nor always the unit from being read.
    return replace(info, problem="" if not_ready == "ReservationConflict" else not_ready)


def _supported_pages(lun: int) -> Steps[frozenset[int]]:
    """Page 00h: no page is asked for that is not in it."""
    return (yield from _page(lun, Page.SUPPORTED_PAGES, vpd.supported_pages)) or frozenset()


def _identity(info: LunInfo, pages: frozenset[int]) -> Steps[LunInfo]:
    lun = info.address
    if Page.SERIAL in pages:
        info = replace(info, serial=(yield from _page(lun, Page.SERIAL, vpd.serial)) or "")
    if Page.IDENTIFICATION in pages:
        info = replace(info, wwn=(yield from _page(lun, Page.IDENTIFICATION, vpd.wwn)) or "")
    return info


def _capacity(lun: int) -> Steps[tuple[Capacity | None, str]]:
    """READ CAPACITY(16), or (10) for a unit that does not know it. Returns a problem's code where there is no size."""
    result = yield from _ask(ScsiRequest(lun, cdb.read_capacity_16(), 32))
    if not _code(result):
        found = _parsed(capacity.parse_16, result)
        return found, "" if found else "NotSupported"
    if sense.classify(result.status, result.sense).sense.key != sense.SenseKey.ILLEGAL_REQUEST:
        return None, _code(result)
    result = yield from _ask(ScsiRequest(lun, cdb.read_capacity_10(), 8))
    if _code(result):
        return None, _code(result)
    found = _parsed(capacity.parse_10, result)
    return found, "" if found else "NotSupported"


def _limits(info: LunInfo, pages: frozenset[int], size: Capacity) -> Steps[LunInfo]:
    """Pages B0h to B2h, and what follows from them together with READ CAPACITY (SBC-3, 4.7.3)."""
    lun = info.address
    limits, given, rotational = vpd.BlockLimits(), vpd.Provisioning(), True
    if Page.BLOCK_LIMITS in pages:
        limits = (yield from _page(lun, Page.BLOCK_LIMITS, vpd.block_limits)) or limits
    if Page.PROVISIONING in pages and size.provisioning:
        given = (yield from _page(lun, Page.PROVISIONING, vpd.provisioning)) or given
    if Page.CHARACTERISTICS in pages:
        rotational = (yield from _page(lun, Page.CHARACTERISTICS, vpd.is_rotational)) is not False
    unmap = given.unmap and limits.max_unmap_blocks > 0 and limits.max_unmap_extents > 0
    return replace(
        info,
        size=size.size,
        block_size=size.block_size,
        physical_block_size=size.physical_block_size,
        thin=size.provisioning and (unmap or given.write_same_16),
        rotational=rotational,
        read_zeros=size.read_zeros or given.read_zeros,
        unmap=unmap,
        max_unmap_blocks=limits.max_unmap_blocks,
        max_unmap_extents=limits.max_unmap_extents,
        unmap_granularity=limits.unmap_granularity,
        unmap_alignment=limits.unmap_alignment,
        write_same=given.write_same_16 or limits.max_write_same > 0,
        write_same_unmap=given.write_same_16,
        max_write_same_blocks=limits.max_write_same,
        max_transfer_blocks=limits.max_transfer,
        optimal_transfer_blocks=limits.optimal_transfer,
    )


#: MODE SENSE in the order in which it is tried: (CDB, length, parser). A unit that knows none is taken to be writable.
_MODE_TRIES: tuple[tuple[Callable[[int, int], bytes], int, int, Callable[[bytes], mode.Mode]], ...] = (
    (cdb.mode_sense_6, mode.ALL_PAGES, 252, mode.parse_6),
    (cdb.mode_sense_10, mode.ALL_PAGES, 1024, mode.parse_10),
    (cdb.mode_sense_6, mode.CACHING, 252, mode.parse_6),
)


def _mode(info: LunInfo) -> Steps[LunInfo]:
    for build, page, length, parser in _MODE_TRIES:
        result = yield from _ask(ScsiRequest(info.address, build(page, length), length))
        found = _parsed(parser, result)
        if found is not None:
            return replace(
                info,
                read_only=found.write_protected,
                fua=found.dpo_fua,
                # A unit that does not say whether it has a write cache is flushed as if it had one.
                write_cache=found.write_cache is not False,
            )
    return replace(info, write_cache=True)


def _page(lun: int, page: int, parser: Callable[[bytes], T]) -> Steps[T | None]:
    """Return a parsed VPD page, None where it is not to be had."""
    result = yield from _ask(ScsiRequest(lun, cdb.inquiry(vpd.LENGTH, page), vpd.LENGTH))
    return _parsed(parser, result)


def _ask(request: ScsiRequest) -> Steps[ScsiResult]:
    """Send `request`, again as long as the answer is a unit attention or the like."""
    result = yield request
    for _ in range(MAX_ATTENTIONS):
        if sense.classify(result.status, result.sense).action is not Action.RETRY_NOW:
            break
        result = yield request
    return result


def _parsed(parser: Callable[[bytes], T], result: ScsiResult) -> T | None:
    """Return the data parsed, None when the command failed or the data makes no sense."""
    if _code(result):
        return None
    try:
        return parser(result.data)
    except MalformedError:
        return None


def _code(result: ScsiResult) -> str:
    """Return the error's code, empty for success."""
    verdict = sense.classify(result.status, result.sense)
    return "" if verdict.action is Action.SUCCESS else verdict.code or "ScsiError"
