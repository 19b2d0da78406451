# SPDX-License-Identifier: Apache-2.0
"""iscsi:// links."""

from __future__ import annotations

import pytest
from lundock.app.flows.link import Link, is_link, parse_link
from lundock.helper.api.errors import Problem


@pytest.mark.parametrize(
    ("words", "link"),
    [
        ("iscsi://nas.local", Link("nas.local")),
        (" ISCSI://nas.local:3261/ ", Link("nas.local:3261")),
        ("iscsi://nas/iqn.2026-01.org.example:a/0", Link("nas", "iqn.2026-01.org.example:a")),
        ("iscsi://[2001:db8::5]:3260/iqn.2026-01.a%3Ab", Link("[2001:db8::5]:3260", "iqn.2026-01.a:b")),
        ("iscsi://anna@nas/iqn.2026-01.a:b?header_digest=crc32c", Link("nas", "iqn.2026-01.a:b", "anna")),
    ],
)
def test_what_a_link_says(words: str, link: Link) -> None:
    assert is_link(words)
    assert parse_link(words) == link


@pytest.mark.parametrize(
    "words",
    [
        "iscsi://anna%hunter2hunter2@nas/t", "iscsi://anna:hunter2hunter2@nas/t",
        "iscsi://nas/t?target_password=hunter2hunter2", "iscsi://nas/t?Secret=hunter2hunter2",
    ],
)  # fmt: skip
def test_passwords_are_refused_and_not_repeated(words: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_link(words)
    assert "password" in str(caught.value.attrs["detail"])
    assert "hunter2" not in repr(caught.value) + str(caught.value.attrs)


@pytest.mark.parametrize(
    "words",
    ["http://nas", "nas.local", "iscsi://", "iscsi:///iqn.2026-01.a:b", "iscsi://nas:0", "iscsi://a b/",
     "iscsi://nas/" + "x" * 300, "iscsi://nas/%0A", "iscsi://nas/" + "y" * 3000, "iscsi://na\ns"],
)  # fmt: skip
def test_what_is_no_link(words: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_link(words)
    assert caught.value.code in {"LinkInvalid", "AddressInvalid"}
