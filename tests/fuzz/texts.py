# SPDX-License-Identifier: Apache-2.0
"""What people and targets write: names, addresses, URLs."""

from __future__ import annotations

import re

from lundock.helper.api import settings
from lundock.helper.api.errors import Problem
from lundock.helper.engine import names, url

from .harness import Target, codes


def _text(data: bytes) -> str:
    """As Python reads the command line: what is not UTF-8 becomes surrogates."""
    return data.decode("utf-8", "surrogateescape")


def target_addresses(data: bytes) -> None:
    portal = names.parse_target_address(_text(data))
    _check_portal(portal)
    assert names.parse_target_address(names.format_target_address(portal)) == portal


def portals(data: bytes) -> None:
    portal = names.parse_portal(_text(data))
    _check_portal(portal)
    assert names.parse_portal(str(portal)) == portal


def _check_portal(portal: names.Portal) -> None:
    assert 0 < portal.port < 65536
    assert -1 <= portal.portal_group < 65536
    assert 0 < len(portal.address) < 256
    assert not set(portal.address) & set(" \0\n/@[],")


def node_names(data: bytes) -> None:
    text = _text(data)
    names.is_target_name(text)
    good = names.is_name(text)
    name = names.check_name(text)
    assert names.is_name(name)
    assert names.check_name(name) == name
    assert names.is_target_name(name)
    assert len(name.encode()) <= names.MAX_NAME
    assert not good or name == text


def target_names(data: bytes) -> None:
    text = _text(data)
    name = names.check_target_name(text)
    assert len(name.encode()) <= names.MAX_NAME
    assert "\0" not in name
    assert name == text.strip()


def urls(data: bytes) -> None:
    text = url.SCHEME + _text(data)
    try:
        found = url.parse(text, {})
    except Problem as problem:
        _no_secret(text, repr(problem.attrs))
        raise
    _no_secret(text, repr(found))
    _check_portal(found.portal)
    assert found.lun is None or 0 <= found.lun < 2**64
    assert settings.check_all(found.settings) == found.settings


#: A secret where secrets stand, and nowhere else.
_WITH_SECRET = re.compile(r"[^%:@/?]*[%:]S3CR3T@[^@]*", re.DOTALL)


def _no_secret(text: str, shown: str) -> None:
    if text.count("S3CR3T") == 1 and _WITH_SECRET.fullmatch(text.removeprefix(url.SCHEME)):
        assert "S3CR3T" not in shown


TARGETS = (
    Target(
        "target-address",
        run=target_addresses,
        errors=(ValueError,),
        longest=400,
        words=("[", "]", ":", ",", "::1", "%"),
    ),
    Target("portal", run=portals, codes=codes("AddressInvalid"), longest=400, words=("[", "]", ":", "::1", "%eth0")),
    Target(
        "name", run=node_names, codes=codes("InvalidArgument"), longest=500, words=("iqn.2001-04.com.", "eui.", "naa.")
    ),
    Target(
        "target-name", run=target_names, codes=codes("InvalidArgument"), longest=500, words=("iqn.", "eui.", "naa.")
    ),
    Target(
        "url",
        run=urls,
        codes=codes("AddressInvalid", "InvalidArgument", "NotSupported"),
        longest=800,
        words=(
            *settings.table(),
            "auth=",
            "target_user=",
            "target_password=",
            "%S3CR3T@",
            "/iqn.a:b/1",
            "&",
            "?",
            "%41",
        ),
    ),
)
