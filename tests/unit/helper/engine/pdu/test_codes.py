# SPDX-License-Identifier: Apache-2.0
"""What stands in the fields, from the lists of RFC 7143, chapter 11."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.engine import pdu


def test_opcodes() -> None:
    """11.2.1.2."""
    assert {op.value for op in pdu.Opcode} == {
        *(0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10),
        *(0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3F),
    }


#: Of each list of chapter 11, in the order of its text: the codes.
LISTS = {
    pdu.Function: range(1, 9),  # 11.5.1
    pdu.FunctionResponse: (*range(7), 255),  # 11.6.1
    pdu.LogoutReason: range(3),  # 11.14.1
    pdu.AsyncEvent: range(6),  # 11.9.1
    pdu.RejectReason: range(2, 13),  # 11.17.1
    pdu.Stage: (0, 1, 3),  # 11.12.3
    pdu.Attribute: range(5),  # 11.3.1
}


@pytest.mark.parametrize("codes", LISTS, ids=lambda codes: codes.__name__)
def test_codes(codes: type[pdu.Function]) -> None:
    assert [code.value for code in codes] == list(LISTS[codes])


@given(st.integers(0, 1 << 24))
def test_padding(length: int) -> None:
    """11.2: to whole words, 0 to 3 bytes of zeros."""
    assert pdu.padded(length) == length + len(pdu.padding(length))
    assert pdu.padded(length) % 4 == 0
    assert len(pdu.padding(length)) < 4
    assert not any(pdu.padding(length))
