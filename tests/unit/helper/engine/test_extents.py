# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.engine.extents import Extents

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=60)


@given(RANGES)
def test_it_knows_what_a_set_of_bytes_knows(ranges: list[tuple[int, int]]) -> None:
    extents, there = Extents(), set()
    for start, length in ranges:
        new = set(range(start, start + length))
        assert extents.add(start, start + length) is (not new & there)
        if not new & there:
            there |= new
        assert len(extents) == sum(at - 1 not in there for at in there)


def test_pieces_that_meet_are_one() -> None:
    extents = Extents()
    for start in (30, 10, 0, 20):
        assert extents.add(start, start + 10)
    assert len(extents) == 1
    assert not extents.add(39, 40)
    assert extents.add(40, 41)
