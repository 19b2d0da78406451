# SPDX-License-Identifier: Apache-2.0
"""What stands in the fields, from the lists of RFC 7143, chapter 11."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.engine import pdu


def test_opcodes() -> None:
    """11.2.1.2."""
    assert {op.value for op in pdu.Opcode} == {
        *(0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10),
        *(0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3F),
    }


@given(st.integers(0, 1 << 24))
def test_padding(length: int) -> None:
    """11.2: to whole words, 0 to 3 bytes of zeros."""
    assert pdu.padded(length) == length + len(pdu.padding(length))
    assert pdu.padded(length) % 4 == 0
    assert len(pdu.padding(length)) < 4
    assert not any(pdu.padding(length))
