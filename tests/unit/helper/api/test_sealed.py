# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from lundock.helper.api import sealed


@pytest.mark.parametrize(("ours", "theirs"), [("a", ""), ("ä secret", "another"), ("x" * 4000, "y" * 4000)])
def test_both_come_back(ours: str, theirs: str) -> None:
    packed = sealed.pack(ours, theirs)
    assert len(packed) <= sealed.SIZE
    found = sealed.unpack(memoryview(packed))
    assert [bytes(part).decode() for part in found] == [ours, theirs]


@pytest.mark.parametrize("data", [b"", b"\1", b"\0\0\1\0x", b"\5\0\0\0abc", b"\xff\xff\xff\xffabc"])
def test_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"short|lengths"):
        sealed.unpack(memoryview(data))
