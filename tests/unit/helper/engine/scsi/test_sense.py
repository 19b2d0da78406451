# SPDX-License-Identifier: Apache-2.0
"""Sense data (SPC-4, 4.5) and what follows from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.api.errors import catalogue
from lundock.helper.engine.scsi import sense
from lundock.helper.engine.scsi.sense import Action, Sense


def fixed(key: int, asc: int, ascq: int, *, code: int = 0x70, information: int | None = None) -> bytes:
    """SPC-4, 4.5.3."""
    raw = bytearray(18)
    raw[0] = code | (0x80 if information is not None else 0)
    raw[2] = key
    raw[3:7] = (information or 0).to_bytes(4, "big")
    raw[7] = 10
    raw[12], raw[13] = asc, ascq
    return bytes(raw)


def descriptor(key: int, asc: int, ascq: int, *, code: int = 0x72, information: int | None = None) -> bytes:
    """SPC-4, 4.5.2, with another descriptor before that of the information."""
    parts = (
        b"" if information is None else b"\x02\x06" + bytes(6) + b"\x00\x0a\x80\x00" + information.to_bytes(8, "big")
    )
    return bytes((code, key, asc, ascq, 0, 0, 0, len(parts))) + parts


@pytest.mark.parametrize("build", [fixed, descriptor])
def test_both_formats(build: object) -> None:
    assert sense.parse(build(3, 0x11, 0x04, information=0x12345)) == Sense(3, 0x11, 4, 0x12345)  # type: ignore[operator]
    assert sense.parse(build(6, 0x29, 0)) == Sense(6, 0x29, 0)  # type: ignore[operator]


@pytest.mark.parametrize("raw", [fixed(2, 4, 1, code=0x71), descriptor(2, 4, 1, code=0x73)])
def test_deferred(raw: bytes) -> None:
    """SPC-4, 4.5.7: about an earlier command; this one was not executed."""
    assert sense.parse(raw).deferred
    verdict = sense.classify(sense.Status.CHECK_CONDITION, raw)
    assert (verdict.action, verdict.event) == (Action.RETRY_NOW, "deferred-error")


@pytest.mark.parametrize("raw", [b"", b"\x70", b"\x70\0", b"\x72\x06\x29", b"\x7f" + bytes(17), bytes(18)])
def test_nothing_that_can_be_read(raw: bytes) -> None:
    assert sense.parse(raw) == sense.NO_SENSE
    verdict = sense.classify(sense.Status.CHECK_CONDITION, raw)
    assert (verdict.action, verdict.code) == (Action.FAIL, "IoError")  # never taken for “no sense”, which is success


def test_cut_off() -> None:
    """What is not there is 0; what stands behind the length does not count."""
    assert sense.parse(fixed(5, 0x24, 7)[:13]) == Sense(5, 0x24, 0)
    assert sense.parse(fixed(5, 0x24, 7)[:3]) == Sense(5, 0, 0)
    short = bytearray(fixed(5, 0x24, 7))
    short[7] = 4
    assert sense.parse(bytes(short)) == Sense(5, 0, 0)
    assert sense.parse(descriptor(3, 0x11, 0, information=5)[:-1]) == Sense(3, 0x11, 0)


def test_information_without_its_valid_bit() -> None:
    raw = bytearray(descriptor(3, 0x11, 0, information=5))
    raw[18] = 0
    assert sense.parse(bytes(raw)).information is None


GOOD, LATER, NOW, FAIL = Action.SUCCESS, Action.RETRY_LATER, Action.RETRY_NOW, Action.FAIL

STATUSES = [
    (0x00, GOOD, "", ""),
    (0x04, GOOD, "", ""),
    (0x10, GOOD, "", ""),
    (0x14, GOOD, "", ""),
    (0x08, LATER, "NotReady", "busy"),
    (0x18, FAIL, "ReservationConflict", "reservation-conflict"),
    (0x28, LATER, "NotReady", "queue-full"),
    (0x30, LATER, "NotReady", ""),
    (0x40, NOW, "IoError", "aborted"),
    (0x22, FAIL, "ScsiError", ""),
    (0xFF, FAIL, "ScsiError", ""),
]


@pytest.mark.parametrize(("status", "action", "code", "event"), STATUSES)
def test_status(status: int, action: Action, code: str, event: str) -> None:
    verdict = sense.classify(status)
    assert (verdict.action, verdict.code, verdict.event) == (action, code, event)


SENSES = [
    (0x0, 0x00, 0x00, GOOD, "", ""),
    (0x1, 0x17, 0x01, GOOD, "", "recovered-error"),
    (0x1, 0x38, 0x07, GOOD, "", "thin-threshold"),
    (0x1, 0x5D, 0x10, GOOD, "", "failure-predicted"),
    (0x2, 0x04, 0x01, LATER, "NotReady", ""),
    (0x2, 0x04, 0x02, FAIL, "NotReady", "needs-start"),
    (0x2, 0x04, 0x03, FAIL, "NotReady", ""),
    (0x2, 0x04, 0x0A, LATER, "NotReady", ""),
    (0x2, 0x04, 0x0B, FAIL, "NotReady", "access-changed"),
    (0x2, 0x04, 0x1B, FAIL, "NotReady", ""),
    (0x2, 0x3A, 0x02, FAIL, "NotReady", "no-medium"),
    (0x2, 0x99, 0x00, FAIL, "NotReady", ""),
    (0x3, 0x11, 0x00, FAIL, "MediumError", "medium-error"),
    (0x3, 0x14, 0x01, FAIL, "MediumError", "medium-error"),
    (0x4, 0x44, 0x00, FAIL, "IoError", "hardware-error"),
    (0x5, 0x20, 0x00, FAIL, "ScsiError", "unsupported"),
    (0x5, 0x21, 0x00, FAIL, "IoError", "out-of-range"),
    (0x5, 0x24, 0x00, FAIL, "ScsiError", "unsupported"),
    (0x5, 0x25, 0x00, FAIL, "NoSuchLun", "luns-changed"),
    (0x5, 0x26, 0x00, FAIL, "ScsiError", "unsupported"),
    (0x5, 0x49, 0x00, FAIL, "ScsiError", ""),
    (0x6, 0x28, 0x00, NOW, "IoError", "capacity-changed"),
    (0x6, 0x29, 0x00, NOW, "IoError", "reset"),
    (0x6, 0x29, 0x03, NOW, "IoError", "reset"),
    (0x6, 0x29, 0x07, NOW, "IoError", "nexus-lost"),
    (0x6, 0x2A, 0x01, NOW, "IoError", "mode-changed"),
    (0x6, 0x2A, 0x03, NOW, "IoError", "reservations-changed"),
    (0x6, 0x2A, 0x04, NOW, "IoError", "reservations-changed"),
    (0x6, 0x2A, 0x05, NOW, "IoError", "reservations-changed"),
    (0x6, 0x2A, 0x06, NOW, "IoError", "access-changed"),
    (0x6, 0x2A, 0x09, NOW, "IoError", "capacity-changed"),
    (0x6, 0x38, 0x07, NOW, "IoError", "thin-threshold"),
    (0x6, 0x3F, 0x03, NOW, "IoError", "inquiry-changed"),
    (0x6, 0x3F, 0x0E, NOW, "IoError", "luns-changed"),
    (0x6, 0x47, 0x7F, NOW, "IoError", "cleared"),
    (0x6, 0x55, 0x55, NOW, "IoError", "unit-attention"),
    (0x7, 0x27, 0x07, FAIL, "NoSpace", "no-space"),
    (0x7, 0x27, 0x00, FAIL, "WriteProtected", "write-protected"),
    (0x7, 0x27, 0x02, FAIL, "WriteProtected", "write-protected"),
    (0x7, 0x20, 0x00, FAIL, "WriteProtected", ""),
    (0x8, 0x00, 0x00, FAIL, "MediumError", ""),
    (0x9, 0x80, 0x00, FAIL, "ScsiError", ""),
    (0xA, 0x00, 0x00, FAIL, "ScsiError", ""),
    (0xB, 0x00, 0x00, NOW, "IoError", "aborted"),
    (0xB, 0x10, 0x01, FAIL, "IoError", ""),
    (0xB, 0x2E, 0x01, FAIL, "IoError", ""),
    (0xB, 0x47, 0x05, NOW, "IoError", "digest-error"),
    (0xB, 0x0C, 0x0C, FAIL, "IoError", "protocol-error"),
    (0xB, 0x0C, 0x0D, FAIL, "IoError", "protocol-error"),
    (0xB, 0x11, 0x13, NOW, "IoError", ""),
    (0xD, 0x00, 0x00, FAIL, "NoSpace", ""),
    (0xE, 0x1D, 0x00, FAIL, "ScsiError", "miscompare"),
    (0xF, 0x00, 0x00, GOOD, "", ""),
]


@pytest.mark.parametrize(("key", "asc", "ascq", "action", "code", "event"), SENSES)
def test_classify(key: int, asc: int, ascq: int, action: Action, code: str, event: str) -> None:
    for raw in (fixed(key, asc, ascq), descriptor(key, asc, ascq)):
        verdict = sense.classify(sense.Status.CHECK_CONDITION, raw)
        assert (verdict.action, verdict.code, verdict.event) == (action, code, event)
        assert verdict.sense == Sense(key, asc, ascq)


def test_classify_takes_parsed_sense() -> None:
    assert sense.classify(2, Sense(3, 0x11, 0, 77)).sense.information == 77
    assert str(Sense(3, 0x11, 0xA)) == "3/11/0a"


def test_codes_are_in_the_list() -> None:
    codes = {sense.classify(2, Sense(key, asc, ascq)).code for key, asc, ascq, *_ in SENSES}
    codes |= {sense.classify(status).code for status in range(256)}
    assert codes - {""} <= set(catalogue())


@given(st.integers(0, 255), st.binary(max_size=300))
def test_anything(status: int, raw: bytes) -> None:
    verdict = sense.classify(status, raw)
    assert verdict.action in Action
    assert (verdict.action is Action.SUCCESS) == (verdict.code == "")
