# SPDX-License-Identifier: Apache-2.0
"""Discovery sessions against answers written byte by byte (RFC 7143, 11.11, appendix C)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import crc32c
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.engine import discovery
from lundock.helper.engine.discovery import Discovery, FoundTarget, read_targets
from lundock.helper.engine.login import LoginConfig
from lundock.helper.engine.names import Portal
from support.pdus import Request, login_response, split, target_pdu, text_of, text_response

HERE = Portal("192.0.2.5", 3260)
ONE, TWO = "iqn.1993-11.com.example:diskarray.sn.8675309", "iqn.1993-11.com.example:diskarray.sn.1234567"


def start(**more: object) -> Discovery:
    values: dict[str, object] = {"portal": HERE, "address": "192.0.2.5:3260", "cmd_sn": 9} | more
    return Discovery(LoginConfig("iqn.2026-01.example:client", **values), 50.0)  # type: ignore[arg-type]


def asked(machine: Discovery) -> Request:
    found = split(machine.to_send())
    assert len(found) == 1
    return found[0]


def logged_in(**more: object) -> Discovery:
    machine = start(**more)
    machine.feed(login_response(asked(machine), {"AuthMethod": "None"}), 51.0)
    answers = {"HeaderDigest": "None", "DataDigest": "None", "DefaultTime2Wait": "2", "DefaultTime2Retain": "0"}
    machine.feed(login_response(asked(machine), answers), 52.0)
    return machine


def finished(machine: Discovery) -> tuple[FoundTarget, ...]:
    logout = asked(machine)
    assert logout.opcode == 0x06
    assert logout.header[1] == 0x80  # F, reason 0: close the session (13.21)
    machine.feed(target_pdu(0x26, w16=logout.itt, w24=logout.exp_stat_sn), 60.0)
    assert machine.done
    assert machine.next_deadline() is None
    return machine.targets


def problem(run: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        run()
    return caught.value


LIST = [("TargetName", ONE), ("TargetAddress", "10.1.0.45:3000,1"), ("TargetAddress", "[2001:db8::2]:3001,2")]


def test_one_answer() -> None:
    machine = logged_in()
    request = asked(machine)
    assert request.opcode == 0x04
    assert not request.immediate
    assert (request.t, request.c, request.ttt) == (True, False, 0xFFFFFFFF)
    assert request.itt != 0xFFFFFFFF
    assert (request.cmd_sn, request.exp_stat_sn) == (9, 2)  # 11.12.8: the login's CmdSN
    assert request.pairs == [("SendTargets", "All")]
    machine.feed(text_response(request, LIST), 53.0)
    assert finished(machine) == (FoundTarget(ONE, (Portal("10.1.0.45", 3000, 1), Portal("2001:db8::2", 3001, 2))),)


def test_login_is_a_discovery_login() -> None:
    """Appendix C, 13.21: whatever target was named in the configuration."""
    keys = asked(start(target_name=ONE)).keys
    assert keys["SessionType"] == "Discovery"
    assert "TargetName" not in keys


def test_it_tells_when_it_is_signed_in() -> None:
    told: list[str] = []
    machine = Discovery(
        LoginConfig("iqn.2026-01.example:client", portal=HERE), 50.0, lambda stage, _words: told.append(stage)
    )
    machine.feed(login_response(asked(machine), {"AuthMethod": "None"}), 51.0)
    assert told == []
    machine.feed(login_response(asked(machine), {}), 52.0)
    assert told == ["full-feature"]
    assert asked(machine).opcode == 0x04  # the question for the list is under way


def test_several_answers() -> None:
    """11.10.4, 11.11.4, 11.10.3: TTT and LUN are copied; tag and I bit stay; CmdSN goes on; text is cut anywhere."""
    machine = logged_in()
    raw = text_of([*LIST, ("TargetName", TWO), ("TargetAddress", "10.1.0.45:3000,7")])
    first = request = asked(machine)
    pieces = [raw[at : at + 30] for at in range(0, len(raw), 30)]
    for number, piece in enumerate(pieces[:-1]):
        ttt, lun = 0x1000 + number, number << 48
        machine.feed(text_response(request, piece, f=False, c=number % 2 == 0, ttt=ttt, lun=lun), 53.0)
        before, request = request, asked(machine)
        assert (request.ttt, request.lun, request.itt, request.immediate) == (ttt, lun, first.itt, first.immediate)
        assert (request.t, request.c, request.data) == (True, False, b"")
        assert (request.cmd_sn, request.exp_stat_sn) == (before.cmd_sn + 1, before.exp_stat_sn + 1)
    machine.feed(text_response(request, pieces[-1]), 53.0)
    assert [target.name for target in finished(machine)] == [ONE, TWO]


def test_with_digests() -> None:
    """13.1: agreed at login, on every PDU of full feature phase, both ways."""
    machine = start(settings={"header_digest": ("CRC32C",), "data_digest": ("CRC32C",)})
    machine.feed(login_response(asked(machine), {"AuthMethod": "None"}), 51.0)
    machine.feed(login_response(asked(machine), {"HeaderDigest": "CRC32C", "DataDigest": "CRC32C"}), 52.0)
    raw = machine.to_send()
    data = b"SendTargets=All\0"
    assert raw[48:52] == crc32c.crc32c(raw[:48]).to_bytes(4, "little")
    assert raw[52:] == data + crc32c.crc32c(data).to_bytes(4, "little")
    answer = text_response(Request(raw[:48], data), LIST)
    header, text = answer[:48], answer[48:]
    crc = [crc32c.crc32c(part).to_bytes(4, "little") for part in (header, text)]
    machine.feed(header + crc[0] + text + crc[1], 53.0)
    assert machine.targets[0].name == ONE
    logout = machine.to_send()
    assert len(logout) == 52
    answer = target_pdu(0x26, w16=2)
    wrong = bytearray(crc32c.crc32c(answer).to_bytes(4, "little"))
    wrong[0] ^= 1
    assert problem(lambda: machine.feed(answer + bytes(wrong), 54.0)).code == "DigestError"


# ---- records -----------------------------------------------------------------------------------------------------


def test_target_without_address() -> None:
    """Appendix C: it is where this connection goes."""
    assert read_targets(text_of({"TargetName": ONE}), HERE) == (FoundTarget(ONE, (HERE,)),)
    assert read_targets(text_of({"TargetName": ONE}), None) == (FoundTarget(ONE, ()),)


def test_no_targets() -> None:
    assert read_targets(b"", HERE) == ()


def test_the_example_of_appendix_c() -> None:
    addresses = ["10.1.0.45:3000,1", "10.1.1.46:3000,1", "10.1.0.47:3000,2", "10.1.1.48:3000,2", "10.1.1.49:3000,3"]
    raw = text_of([("TargetName", ONE), *(("TargetAddress", a) for a in addresses)])
    (found,) = read_targets(raw, HERE)
    assert [(p.address, p.portal_group) for p in found.portals] == [
        ("10.1.0.45", 1),
        ("10.1.1.46", 1),
        ("10.1.0.47", 2),
        ("10.1.1.48", 2),
        ("10.1.1.49", 3),
    ]


def test_records_of_one_name_are_joined() -> None:
    raw = text_of(
        [
            ("TargetName", ONE),
            ("TargetAddress", "10.0.0.1:3260,1"),
            ("TargetName", TWO),
            ("TargetName", ONE),
            ("TargetAddress", "10.0.0.1,1"),
            ("TargetAddress", "nas.example.com,1"),
        ]
    )
    one, two = read_targets(raw, HERE)
    assert (one.name, [p.address for p in one.portals]) == (ONE, ["10.0.0.1", "nas.example.com"])
    assert two.portals == (HERE,)


@pytest.mark.parametrize(
    "address", ["", ",1", "host:0,1", "host:65536,1", "[::1,1", "[nas],1", "a b,1", "10.0.0.1:1,65536"]
)
def test_unreadable_address_is_passed_over(address: str) -> None:
    raw = text_of([("TargetName", ONE), ("TargetAddress", address), ("TargetAddress", "10.0.0.1,1")])
    assert read_targets(raw, HERE)[0].portals == (Portal("10.0.0.1", 3260, 1),)


@pytest.mark.parametrize("name", ["iqn.2001-04.COM.Example:Disk_1", "eui.02004567A425678D", "naa.52004567BA64678D"])
def test_names_as_they_are_in_use(name: str) -> None:
    """Not all are in normal form; the target knows itself by what it said."""
    assert read_targets(text_of({"TargetName": name}), HERE)[0].name == name


WRONG = {
    "address first": [("TargetAddress", "10.0.0.1,1")],
    "another key": [("TargetName", ONE), ("TargetAlias", "x")],
    "vendor's key": [("TargetName", ONE), ("X-com.example.a", "x")],
    "no name": [("TargetName", "disk")],
    "name too long": [("TargetName", "iqn." + "x" * 220)],
    "name with a space": [("TargetName", "iqn.2001-04.com.example:a b")],
    "name with a control": [("TargetName", "iqn.2001-04.com.example:a\nb")],
    "no end": b"TargetName=" + ONE.encode(),
    "not UTF-8": b"TargetName=iqn.\xff\0",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_wrong_list(text: object) -> None:
    machine = logged_in()
    assert problem(lambda: machine.feed(text_response(asked(machine), text), 53.0)).code == "ProtocolError"  # type: ignore[arg-type]


# ---- limits ------------------------------------------------------------------------------------------------------


def test_list_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "MAX_TEXT", 4096)
    machine = logged_in()

    def for_ever() -> None:
        while True:
            machine.feed(text_response(asked(machine), bytes(1000), f=False, c=True, ttt=1), 53.0)

    assert problem(for_ever).code == "TextTooLong"


def test_empty_answers_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "MAX_EXCHANGES", 50)
    machine = logged_in()

    def for_ever() -> None:
        while True:
            machine.feed(text_response(asked(machine), f=False, ttt=1), 53.0)

    assert problem(for_ever).code == "TextTooLong"


def test_too_many_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "MAX_TARGETS", 3)
    raw = text_of([("TargetName", f"iqn.2001-04.com.example:{i}") for i in range(4)])
    assert problem(lambda: read_targets(raw, HERE)).code == "TextTooLong"


def test_longer_than_we_take() -> None:
    """13.12: bounded by what we declared, before it is there."""
    machine = logged_in(settings={"max_recv_data_segment_length": 512})
    raw = text_response(asked(machine), bytes(513))
    assert problem(lambda: machine.feed(raw[:48], 53.0)).code == "ProtocolError"


# ---- what else may come ------------------------------------------------------------------------------------------


def test_ping() -> None:
    """11.18: answered with its tag and LUN, immediate, without an ITT; CmdSN does not go on."""
    machine = logged_in()
    request = asked(machine)
    machine.feed(target_pdu(0x20, w8=5 << 48, w16=0xFFFFFFFF, w20=0xABCD, w24=2), 53.0)
    answer = asked(machine)
    assert (answer.opcode, answer.immediate, answer.t) == (0x00, True, True)
    assert (answer.itt, answer.ttt, answer.lun) == (0xFFFFFFFF, 0xABCD, 5 << 48)
    assert answer.cmd_sn == request.cmd_sn + 1
    machine.feed(target_pdu(0x20, w16=0xFFFFFFFF, w20=0xFFFFFFFF, w24=2), 53.0)
    assert machine.to_send() == b""  # 11.18: not answered
    machine.feed(text_response(request, LIST), 53.0)
    assert len(finished(machine)) == 1


@pytest.mark.parametrize("event", [1, 2, 3])
def test_target_ends_the_session(event: int) -> None:
    machine = logged_in()
    asked(machine)
    raw = target_pdu(0x32, w16=0xFFFFFFFF, w24=2, w36=event << 24)
    assert problem(lambda: machine.feed(raw, 53.0)).code == "ConnectionLost"


def test_target_ends_the_session_when_all_is_said() -> None:
    machine = logged_in()
    machine.feed(text_response(asked(machine), LIST), 53.0)
    machine.feed(target_pdu(0x32, w16=0xFFFFFFFF, w24=3, w36=1 << 24), 53.0)
    assert machine.done
    assert len(machine.targets) == 1


def test_other_events_do_not_concern_us() -> None:
    machine = logged_in()
    request = asked(machine)
    machine.feed(target_pdu(0x32, w16=0xFFFFFFFF, w24=2, w36=255 << 24), 53.0)
    machine.feed(text_response(request, LIST, stat_sn=3), 53.0)
    assert len(finished(machine)) == 1


OUT_OF_PLACE = {
    "data": target_pdu(0x25),
    "r2t": target_pdu(0x31),
    "login": target_pdu(0x23),
    "reject": target_pdu(0x3F, b2=5, data=bytes(48)),
    "logout": target_pdu(0x26),
    "unknown": target_pdu(0x11),
}


@pytest.mark.parametrize("raw", OUT_OF_PLACE.values(), ids=OUT_OF_PLACE)
def test_out_of_place(raw: bytes) -> None:
    machine = logged_in()
    assert problem(lambda: machine.feed(raw, 53.0)).code == "ProtocolError"


WRONG_TEXTS = {"another tag": {"itt": 99}, "F and C": {"c": True}, "goes on without a tag": {"f": False}}


@pytest.mark.parametrize("wrong", WRONG_TEXTS.values(), ids=WRONG_TEXTS)
def test_wrong_text_response(wrong: dict[str, object]) -> None:
    """11.11.1 to 11.11.4."""
    machine = logged_in()
    assert problem(lambda: machine.feed(text_response(asked(machine), **wrong), 53.0)).code == "ProtocolError"  # type: ignore[arg-type]


def test_answer_after_the_end() -> None:
    machine = logged_in()
    request = asked(machine)
    machine.feed(text_response(request, LIST), 53.0)
    assert problem(lambda: machine.feed(text_response(request, LIST), 53.0)).code == "ProtocolError"


# ---- time, and the connection's end ------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False])
def test_list_is_there_whatever_comes_behind_it(together: bool) -> None:
    """In one piece with its end, rubbish behind a whole list made the list go away; in two pieces it did not."""
    machine = logged_in()
    answer = text_response(asked(machine), LIST)
    if not together:
        machine.feed(answer, 53.0)
    rubbish = (answer if together else b"") + target_pdu(0x25)
    assert problem(lambda: machine.feed(rubbish, 53.0)).code == "ProtocolError"
    assert [target.name for target in machine.targets] == [ONE]


def test_deadlines() -> None:
    machine = start(settings={"login_timeout": 7, "logout_timeout": 3})
    assert machine.next_deadline() == 57.0
    assert problem(lambda: machine.on_timer(57.0)).attrs["what"] == "login"
    machine = logged_in(settings={"login_timeout": 7, "logout_timeout": 3})
    assert machine.next_deadline() == 59.0
    machine.on_timer(58.9)
    machine.feed(text_response(asked(machine), f=False, ttt=4), 58.0)
    assert machine.next_deadline() == 65.0
    assert problem(lambda: machine.on_timer(65.0)).code == "Timeout"


def test_no_answer_to_the_logout() -> None:
    machine = logged_in(settings={"logout_timeout": 3})
    machine.feed(text_response(asked(machine), LIST), 53.0)
    assert machine.next_deadline() == 56.0
    machine.on_timer(55.0)
    assert not machine.done
    machine.on_timer(56.0)
    assert machine.done
    assert len(machine.targets) == 1
    machine.on_timer(99.0)
    machine.eof(99.0)


def test_closes() -> None:
    assert problem(lambda: start().eof(50.0)).code == "ConnectionLost"
    assert problem(lambda: logged_in().eof(53.0)).code == "ConnectionLost"
    machine = logged_in()
    machine.feed(text_response(asked(machine), LIST), 53.0)
    machine.eof(54.0)
    assert machine.done


def test_redirect() -> None:
    machine = start()
    machine.feed(login_response(asked(machine), {"TargetAddress": "192.0.2.77"}, status=0x0101), 51.0)
    assert machine.done
    assert machine.redirect is not None
    assert machine.redirect.address == "192.0.2.77"
    assert machine.result is None
    assert machine.fallback is None
    machine.feed(b"more", 52.0)


# ---- in any pieces -----------------------------------------------------------------------------------------------


def conversation() -> bytes:
    machine = Discovery(LoginConfig("iqn.2026-01.example:client", portal=HERE), 0.0, random=bytes)
    stream = b""

    def answer(raw: bytes) -> None:
        nonlocal stream
        stream += raw
        machine.feed(raw, 0.0)

    answer(login_response(asked(machine), {"AuthMethod": "None"}))
    answer(login_response(asked(machine), {"HeaderDigest": "None", "DataDigest": "None"}))
    answer(text_response(asked(machine), text_of(LIST)[:40], f=False, c=True, ttt=3))
    answer(text_response(asked(machine), text_of(LIST)[40:]))
    answer(target_pdu(0x26, w16=asked(machine).itt))
    return stream


CONVERSATION = conversation()


def outcome(stream: bytes, step: int) -> object:
    machine = Discovery(LoginConfig("iqn.2026-01.example:client", portal=HERE), 0.0, random=bytes)
    sent = b""
    try:
        for at in range(0, len(stream), step):
            machine.feed(stream[at : at + step], 0.0)
            sent += machine.to_send()
    except Problem as found:
        return sent + machine.to_send(), found.code, found.attrs
    return sent, machine.done, machine.targets


def test_byte_by_byte() -> None:
    whole = outcome(CONVERSATION, len(CONVERSATION))
    assert outcome(CONVERSATION, 1) == whole
    assert whole[1:] == (True, read_targets(text_of(LIST), HERE))  # type: ignore[index]


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, len(CONVERSATION) - 1), byte=st.integers(0, 255), step=st.integers(1, 200))
def test_one_byte_changed(at: int, byte: int, step: int) -> None:
    changed = CONVERSATION[:at] + bytes((byte,)) + CONVERSATION[at + 1 :]
    assert outcome(changed, step) == outcome(changed, len(changed))


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=400))
def test_any_list(raw: bytes) -> None:
    for text in (raw, b"TargetName=iqn.2001-04.a:b\0TargetAddress=" + raw + b"\0"):
        with contextlib.suppress(Problem):
            read_targets(text, HERE)
