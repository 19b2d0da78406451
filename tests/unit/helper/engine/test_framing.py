# SPDX-License-Identifier: Apache-2.0
"""Framing and digests (RFC 7143, 11.2, 13.1)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.engine.framing import PduReader, assemble, digest
from support.pdus import target_pdu


def test_digest() -> None:
    """The examples of RFC 3720, B.4, which are those of CRC32C: 32 zeros, ones, rising and falling bytes."""
    assert digest(bytes(32)).hex() == "aa36918a"
    assert digest(b"\xff" * 32).hex() == "43aba862"
    assert digest(bytes(range(32))).hex() == "4e79dd46"
    assert digest(bytes(range(31, -1, -1))).hex() == "5cdb3f11"


def test_assemble() -> None:
    header = target_pdu(0x20)
    assert assemble(header) == header
    assert assemble(header, b"abcde") == header + b"abcde\0\0\0"
    both = assemble(header, b"abcde", header_digest=True, data_digest=True)
    assert both == header + digest(header) + b"abcde\0\0\0" + digest(b"abcde\0\0\0")
    # 11.2.3: no data, no data digest
    assert assemble(header, header_digest=True, data_digest=True) == header + digest(header)


def all_of(reader: PduReader) -> list[tuple[bytes, bytes]]:
    return list(iter(reader.next, None))  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    datas=st.lists(st.binary(max_size=50), max_size=6),
    header_digest=st.booleans(),
    data_digest=st.booleans(),
    cuts=st.lists(st.integers(0, 700), max_size=8),
)
@example(datas=[b"abcde"], header_digest=True, data_digest=True, cuts=[0, 47, 50, 55, 61])  # in the middle of each part
def test_pieces_do_not_matter(datas: list[bytes], *, header_digest: bool, data_digest: bool, cuts: list[int]) -> None:
    on = {"header_digest": header_digest, "data_digest": data_digest}
    headers = [target_pdu(0x25, w36=i, data=data)[:48] for i, data in enumerate(datas)]
    stream = b"".join(assemble(header, data, **on) for header, data in zip(headers, datas, strict=True))
    reader = PduReader(50, **on)
    found = []
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(bounds):
        reader.feed(memoryview(stream)[start:end])
        found += all_of(reader)
    assert found == list(zip(headers, datas, strict=True))
    assert reader.first is None


def test_the_rest() -> None:
    reader = PduReader(100)
    reader.feed(target_pdu(0x20) + b"rest")
    assert all_of(reader) == [(target_pdu(0x20), b"")]
    assert reader.first == ord("r")
    assert reader.take_rest() == b"rest"
    assert reader.take_rest() == b""


def test_too_long_before_it_is_there() -> None:
    reader = PduReader(8191)
    reader.feed(target_pdu(0x25, data=bytes(8192))[:48])
    with pytest.raises(Problem) as caught:
        reader.next()
    assert caught.value.code == "ProtocolError"
    reader = PduReader(8192)
    reader.feed(target_pdu(0x25, data=bytes(8192)))
    assert len(all_of(reader)) == 1


def test_additional_headers() -> None:
    """11.2: responses have none; where they are allowed they are passed over, and covered by the digest."""
    header = bytearray(target_pdu(0x20))
    header[4] = 2
    reader = PduReader(100)
    reader.feed(header)
    with pytest.raises(Problem) as caught:
        reader.next()
    assert caught.value.code == "ProtocolError"
    reader = PduReader(100, max_ahs=8, header_digest=True)
    whole = bytes(header) + b"eight by"
    reader.feed(whole + digest(whole))
    assert all_of(reader) == [(bytes(header), b"")]


@pytest.mark.parametrize(("at", "where"), [(20, "header"), (49, "header"), (53, "data"), (58, "data"), (60, "data")])
def test_damage(at: int, where: str) -> None:
    """7.8: in the header, its digest, the data, the padding, and the data's digest."""
    header = target_pdu(0x25, data=b"abcde")[:48]
    raw = bytearray(assemble(header, b"abcde", header_digest=True, data_digest=True))
    raw[at] ^= 0x10
    reader = PduReader(100, header_digest=True, data_digest=True)
    reader.feed(raw)
    with pytest.raises(Problem) as caught:
        reader.next()
    assert (caught.value.code, caught.value.attrs["where"]) == ("DigestError", where)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_anything(raw: bytes, header_digest: bool, data_digest: bool) -> None:
    """In one piece and byte by byte the same comes out: PDUs, and at the end maybe a Problem."""

    def run(step: int) -> list[object]:
        reader = PduReader(64, header_digest=header_digest, data_digest=data_digest)
        found: list[object] = []
        try:
            for at in range(0, len(raw), step):
                reader.feed(raw[at : at + step])
                found += all_of(reader)
        except Problem as problem:
            return [len(found), problem.code, problem.attrs]
        return found

    whole = run(max(1, len(raw)))
    pieces = run(1)
    if whole and isinstance(whole[-1], dict):
        assert pieces[-2:] == whole[-2:]
    else:
        assert pieces == whole
