# SPDX-License-Identifier: Apache-2.0
"""Expectations from RFC 7143 section 13, with unequal values on the two sides."""

import pytest
from lundock.helper.target import keys


@pytest.mark.parametrize(
    ("key", "ours", "theirs", "result"),
    [
        ("HeaderDigest", "CRC32C,None", "None,CRC32C", "None"),  # 13.1, 6.2.1: the first of theirs
        ("HeaderDigest", "None", "CRC32C", "Reject"),
        ("MaxConnections", "4", "2", "2"),  # 13.2 minimum
        ("InitialR2T", "No", "Yes", "Yes"),  # 13.10 or
        ("InitialR2T", "No", "No", "No"),
        ("ImmediateData", "Yes", "No", "No"),  # 13.11 and
        ("MaxBurstLength", "4096", "8192", "4096"),  # 13.13 minimum
        ("FirstBurstLength", "4096", "2048", "2048"),  # 13.14 minimum
        ("DefaultTime2Wait", "2", "5", "5"),  # 13.15 maximum
        ("DefaultTime2Retain", "20", "5", "5"),  # 13.16 minimum
        ("MaxOutstandingR2T", "3", "9", "3"),  # 13.17 minimum
        ("DataPDUInOrder", "No", "Yes", "Yes"),  # 13.18 or
        ("ErrorRecoveryLevel", "0", "2", "0"),  # 13.20 minimum
        ("MaxRecvDataSegmentLength", "4096", "1024", "4096"),  # 13.12: each declares its own
        ("MaxBurstLength", "4096", "0x2000", "4096"),  # 6.1: hexadecimal
        ("MaxBurstLength", "4096", "511", "Reject"),  # out of range
        ("MaxBurstLength", "4096", "many", "Reject"),
        ("InitialR2T", "No", "Perhaps", "Reject"),
    ],
)
def test_result(key: str, ours: str, theirs: str, result: str):
    assert keys.answer(key, theirs, {key: ours}, discovery=False) == result


def test_what_is_not_negotiated():
    assert keys.answer("X-com.example.colour", "blue", {}, discovery=False) == "NotUnderstood"
    assert keys.answer("IFMarkInt", "2048~8192", {}, discovery=False) == "Reject"  # 13.25
    assert keys.answer("InitiatorAlias", "desk", {}, discovery=False) is None
    assert keys.answer("MaxBurstLength", "NotUnderstood", {}, discovery=False) is None
    assert keys.answer("MaxConnections", "4", {}, discovery=True) == "Irrelevant"


def test_text():
    pairs = [("A", "1"), ("B", "x=y"), ("C", "")]
    assert keys.parse(keys.pack(pairs)) == pairs
    assert keys.parse(b"") == []
    for bad in (b"A=1", b"A\0", b"=1\0", b"A=1\0\0"):
        with pytest.raises(keys.BadText):
            keys.parse(bad)
