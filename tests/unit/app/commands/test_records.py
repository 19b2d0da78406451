# SPDX-License-Identifier: Apache-2.0
"""`lundock discover`, `add`, `show`, `set`, `forget`: what is saved, and what is refused."""

from __future__ import annotations

import pytest
from lundock.app.commands.records import parse_settings
from lundock.helper.api.errors import Problem
from support.command_line import answer, failure, lundock
from support.fake_helper import IQN, RunningFake


def test_discover(fake: RunningFake) -> None:
    found = answer(fake, "discover", "nas.local")
    assert found["address"] == "nas.local"
    assert found["targets"][0] == {
        "name": IQN + "backup", "portals": [{"address": "192.0.2.5", "port": 3260, "portal_group": 1}],
    }  # fmt: skip
    assert IQN + "media\t192.0.2.5\n" in lundock(fake, "discover", "nas.local").stdout
    assert failure(fake, "discover", "refused.example") == "ConnectionRefused"
    assert failure(fake, "discover", "nobody.example") == "NameNotFound"


def test_the_life_of_a_record(fake: RunningFake) -> None:
    added = answer(
        fake, "add", IQN + "x", "--portal", "nas:3261", "--portal", "[fe80::1]", "--interface", "eth7", "--alias", "X",
        "--chap-name", "me", "--set", "ping-interval=7", "--set", "header_digest=crc32c,none",
    )["target"]  # fmt: skip
    assert (added["alias"], added["sign_in"], added["chap_name"], added["interface"]) == ("X", "chap", "me", "eth7")
    assert [p["address"] for p in added["portals"]] == ["nas", "fe80::1"]
    assert (added["settings"]["ping_interval"], added["settings"]["header_digest"]) == (7, ["CRC32C", "None"])
    assert answer(fake, "targets")["targets"][0]["number"] == 1
    shown = answer(fake, "set", "X", "interface=lo", "alias=X2")["target"]
    assert (shown["interface"], shown["alias"]) == ("lo", "X2")
    answer(fake, "set", "X2", "interface=", "ping_interval=", "read_only=yes", "--alias", "Y", "--sign-in", "none")
    shown = answer(fake, "show", "1")["target"]
    assert (shown["alias"], shown["sign_in"]) == ("Y", "none")
    assert (shown["settings"]["ping_interval"], shown["settings"]["read_only"]) == (8, True)
    assert "read_only\tyes\ttarget" in lundock(fake, "show", "y").stdout
    assert "ping_interval" not in lundock(fake, "show", "y").stdout
    assert "ping_interval\t8\tdefault" in lundock(fake, "show", "y", "--settings").stdout
    assert answer(fake, "forget", "Y") == {"forgotten": IQN + "x"}
    assert answer(fake, "targets") == {"targets": []}


def test_adding_from_an_address(fake: RunningFake) -> None:
    assert answer(fake, "add", "--from", "one.local")["target"]["name"] == IQN + "backup"
    assert answer(fake, "add", "media", "--from", "nas.local")["target"]["name"] == IQN + "media"
    assert failure(fake, "add", "--from", "nas.local") == "InvalidArgument"
    assert failure(fake, "add", "nothing", "--from", "nas.local") == "NotFound"
    assert failure(fake, "add", "--from", "one.local") == "AlreadyExists"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add", "iqn.2026-01.a:b"], "InvalidArgument"),
        (["add", "iqn.2026-01.a:b", "--portal", "a b"], "AddressInvalid"),
        (["add", "iqn.2026-01.a:b", "--portal", "a", "--set", "nonsense=1"], "InvalidArgument"),
        (["add", "iqn.2026-01.a:b", "--portal", "a", "--set", "ping_interval=many"], "InvalidArgument"),
        (["add", "iqn.2026-01.a:b", "--portal", "a", "--set", "error_recovery_level=1"], "NotSupported"),
        (["add", "iqn.2026-01.a:b", "--portal", "a", "--set", "error_recovery_level=3"], "InvalidArgument"),
        (["set", "nothing", "read_only=1"], "NotFound"),
        (["show", "nothing"], "NotFound"),
        (["login", "nothing"], "NotFound"),
        (["attach", "nothing/0"], "NotFound"),
        (["rescan", "nothing"], "NotFound"),
        (["luns", "nothing"], "NotFound"),
    ],
)
def test_wrong_input_has_a_named_error(fake: RunningFake, arguments: list[str], code: str) -> None:
    assert failure(fake, *arguments) == code
    assert fake.helper.targets == {}


@pytest.mark.parametrize("pair", ["nothing", "=1", "unknown=1", "read_only=perhaps", "queue_depth=0"])
def test_settings_that_are_none(pair: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_settings((pair,))
    assert caught.value.code == "InvalidArgument"
