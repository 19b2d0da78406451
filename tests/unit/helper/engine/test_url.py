# SPDX-License-Identifier: Apache-2.0
"""iscsi:// URLs, as libiscsi writes them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import Setting, Value, table
from lundock.helper.engine import url
from lundock.helper.engine.names import Portal

TARGET = "iqn.2001-04.com.example:disk"
LUN_1 = 1 << 48


def parsed(text: str, **environ: str) -> url.IscsiUrl:
    return url.parse(text, environ)


def test_whole() -> None:
    found = parsed(f"iscsi://192.0.2.5:860/{TARGET}/1")
    assert (found.portal, found.target, found.lun) == (Portal("192.0.2.5", 860), TARGET, LUN_1)
    assert (found.sign_in, found.user, found.secrets, dict(found.settings)) == ("none", "", None, {})


@pytest.mark.parametrize(
    ("text", "portal", "target"),
    [
        ("iscsi://nas", Portal("nas"), ""),
        ("iscsi://nas/", Portal("nas"), ""),
        ("iscsi://nas:3261", Portal("nas", 3261), ""),
        ("iscsi://[2001:db8::1]", Portal("2001:db8::1"), ""),
        ("iscsi://[2001:db8::1]:3261/" + TARGET, Portal("2001:db8::1", 3261), TARGET),
        (f"iscsi://nas/{TARGET}", Portal("nas"), TARGET),
        (f"iscsi://nas/{TARGET}/", Portal("nas"), TARGET),
        ("iscsi://nas/iqn.2001-04.com.example%3Adisk", Portal("nas"), TARGET),
    ],
)
def test_short_forms(text: str, portal: Portal, target: str) -> None:
    found = parsed(text)
    assert (found.portal, found.target, found.lun) == (portal, target, None)


LUNS = {
    "0": 0,
    "255": 255 << 48,
    "256": 0x4100 << 48,
    "16383": 0x7FFF << 48,
    "d200012300000000": 0xD200012300000000,
    "0x0001000000000000": LUN_1,
}


@pytest.mark.parametrize(("text", "lun"), LUNS.items())
def test_lun(text: str, lun: int) -> None:
    assert parsed(f"iscsi://nas/{TARGET}/{text}").lun == lun


@pytest.mark.parametrize("text", ["-1", "x", "16384", "99999", "1/2", "0x1", "1 "])
def test_no_lun(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parsed(f"iscsi://nas/{TARGET}/{text}")
    assert caught.value.attrs["argument"] == "LUN"


@pytest.mark.parametrize("account", ["alice%s@cret/%41%", "alice:s@cret/%41%"])
def test_secret(account: str) -> None:
    """The first “%” (or “:”) parts name and secret; in the secret nothing is decoded, “@” and “/” are letters of it."""
    found = parsed(f"iscsi://{account}@nas/{TARGET}/1")
    assert (found.sign_in, found.user, found.target, found.portal) == ("chap", "alice", TARGET, Portal("nas"))
    assert found.secrets is not None
    assert found.secrets.secret.value == b"s@cret/%41%"


def test_mutual() -> None:
    found = parsed(f"iscsi://alice%first@nas/{TARGET}/1?target_user=storage&target_password=sec%2Bond+1")
    assert (found.sign_in, found.target_user) == ("mutual", "storage")
    assert found.secrets is not None
    assert found.secrets.target_secret is not None
    assert found.secrets.target_secret.value == b"sec+ond+1"


def test_secrets_of_the_environment() -> None:
    environ = {
        "LIBISCSI_CHAP_USERNAME": "alice",
        "LIBISCSI_CHAP_PASSWORD": "first",
        "LIBISCSI_CHAP_TARGET_USERNAME": "storage",
        "LIBISCSI_CHAP_TARGET_PASSWORD": "second",
    }
    found = parsed(f"iscsi://nas/{TARGET}/1", **environ)
    assert (found.sign_in, found.user, found.target_user) == ("mutual", "alice", "storage")
    found = parsed(f"iscsi://bob%other@nas/{TARGET}/1?target_user=x&target_password=y", **environ)
    assert (found.user, found.target_user) == ("bob", "x")
    assert found.secrets is not None
    assert found.secrets.secret.value == b"other"


def test_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBISCSI_CHAP_USERNAME", "alice")
    monkeypatch.setenv("LIBISCSI_CHAP_PASSWORD", "first")
    assert url.parse("iscsi://nas").sign_in == "chap"


def test_name_without_secret() -> None:
    """It says so when it is needed, not here."""
    found = parsed("iscsi://alice@nas")
    assert (found.sign_in, found.user, found.secrets) == ("chap", "alice", None)


def other_than_default(setting: Setting) -> Value:
    """A value that the setting may have, and has not by itself."""
    match setting.type:
        case "bool":
            return not setting.default
        case "int":
            return setting.high if setting.default != setting.high else setting.low
        case "list":
            return (setting.choices[0],)
        case _:
            return setting.choices[-1]


@pytest.mark.parametrize("setting", table().values(), ids=table())
def test_every_setting_can_be_set(setting: Setting) -> None:
    value = other_than_default(setting)
    assert value != setting.default or not setting.free
    word = ",".join(value) if isinstance(value, tuple) else str(value)
    assert parsed(f"iscsi://nas/{TARGET}/0?{setting.name}={word}").settings == {setting.name: value}


def test_settings() -> None:
    query = "header_digest=crc32c&data_digest=none,crc32c&immediate_data=no&queue_depth=7&auth=sha-256"
    found = parsed(f"iscsi://nas/{TARGET}/1?{query}")
    assert dict(found.settings) == {
        "header_digest": ("CRC32C",),
        "data_digest": ("None", "CRC32C"),
        "immediate_data": False,
        "queue_depth": 7,
        "chap_algorithms": ("SHA-256",),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://nas",
        "iscsi:/nas",
        "ISCSI//nas",
        "iscsi://nas//1",
        f"iscsi://nas/{TARGET}/1?unknown=1",
        f"iscsi://nas/{TARGET}/1?queue_depth=0",
        f"iscsi://nas/{TARGET}/1?queue_depth",
        f"iscsi://nas/{TARGET}/1?queue_depth=1&queue_depth=1",
        f"iscsi://nas/{TARGET}/1?auth=rot13",
        "iscsi://nas/disk/1",
        "iscsi://nas?target_password=x",
        "iscsi://" + "x" * 5000,
        "iscsi://nas?" + "&".join(f"a{i}=1" for i in range(100)),
    ],
)
def test_wrong(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parsed(text)
    assert caught.value.code == "InvalidArgument"


@pytest.mark.parametrize("text", ["iscsi://", "iscsi:///x", "iscsi://a%hidden-word@", "iscsi://a%hidden-word@nas:x/y"])
def test_wrong_host(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parsed(text)
    assert caught.value.code == "AddressInvalid"


@given(st.text(max_size=30), st.text(max_size=30))
def test_secrets_stay_in(before: str, behind: str) -> None:
    """Whatever is wrong with the rest, the secret is not in what is said about it."""
    with contextlib.suppress(Problem):
        parsed(f"iscsi://{before}")
    try:
        found = parsed(f"iscsi://alice%hidden-word@{behind}")
    except Problem as problem:
        shown = repr(problem) + str(problem) + str(problem.attrs)
    else:
        shown = repr(found)
    assert "hidden-word" not in shown.replace(behind, "")
