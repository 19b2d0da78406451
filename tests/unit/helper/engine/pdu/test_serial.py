# SPDX-License-Identifier: Apache-2.0
"""Serial numbers against RFC 1982."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.engine import pdu

SERIAL = [
    # RFC 1982, 3.2: i1 < i2
    (0, 1, True),
    (1, 0, False),
    (0xFFFFFFFF, 0, True),
    (0, 0xFFFFFFFF, False),
    (0, 0x7FFFFFFF, True),
    (0, 0x80000001, False),
    (5, 5, False),
    (0, 0x80000000, False),  # left open by the RFC: neither way
    (0x80000000, 0, False),
]


@pytest.mark.parametrize(("a", "b", "less"), SERIAL)
def test_serial_numbers(a: int, b: int, *, less: bool) -> None:
    assert pdu.sn_lt(a, b) is less
    assert pdu.sn_le(a, b) is (less or a == b)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1))
def test_serial_distance(start: int, step: int) -> None:
    later = pdu.sn_add(start, step)
    assert pdu.sn_diff(later, start) == step
    assert pdu.sn_diff(start, later) == -step
    assert pdu.sn_lt(start, later)
    assert not pdu.sn_lt(later, start)
