# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import array
import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.api import control
from lundock.helper.api.control import FROM_WORKER, TO_WORKER, ControlError, Message
from lundock.helper.api.errors import Problem

REPLY = {"id": 7, "ok": True}


def wire(kind: object, fields: object, descriptors: object = ()) -> bytes:
    return json.dumps({"type": kind, "fields": fields, "descriptors": list(descriptors)}).encode()  # type: ignore[call-overload]


def pipe_ends() -> list[int]:
    return list(os.pipe2(os.O_CLOEXEC))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_what_is_encoded_is_decoded() -> None:
    sent = Message("reply", REPLY)
    assert control.decode(control.encode(sent, FROM_WORKER), [], FROM_WORKER) == sent


def test_an_error_travels_with_its_attributes() -> None:
    problem = Problem("ConnectionRefused", address="192.0.2.5", port=3260)
    sent = Message("reply", {"id": 1, "ok": False, **control.error_fields(problem)})
    got = control.decode(control.encode(sent, FROM_WORKER), [], FROM_WORKER).problem
    assert got is not None
    assert (got.code, got.attrs) == ("ConnectionRefused", {"address": "192.0.2.5", "port": 3260})


def test_settings_come_out_complete_and_typed() -> None:
    config = {
        "initiator_name": "iqn.2026-01.example:me",
        "initiator_alias": "",
        "target_name": "",
        "isid": "800102030000",
        "sign_in": "none",
        "chap_name": "",
        "target_chap_name": "",
        "portals": [{"address": "192.0.2.5", "port": 3260, "portal_group": -1}],
        "settings": {"header_digest": ["CRC32C"], "queue_depth": 5},
    }
    data = wire("start", {"id": 1, "role": "session", "config": config})
    settings = control.decode(data, [], TO_WORKER)["config"]["settings"]
    assert settings["header_digest"] == ("CRC32C",)
    assert settings["queue_depth"] == 5
    assert settings["login_timeout"] == 15


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"type":"reply"}',
        wire("no-such-type", {}),
        wire("rescan", {"id": 1}),  # the other direction's
        wire("reply", {"id": 7}),
        wire("reply", REPLY | {"more": 1}),
        wire("reply", REPLY | {"id": 0}),
        wire("reply", REPLY | {"id": 2**31}),
        wire("reply", REPLY | {"id": True}),
        wire("reply", REPLY | {"id": 1.0}),
        wire("reply", REPLY | {"ok": 1}),
        wire("reply", REPLY | {"code": "NoSuchError"}),
        wire("reply", REPLY | {"code": ["Timeout"]}),
        wire("reply", REPLY | {"code": "Timeout", "attrs": {"a": [1]}}),
        wire("reply", REPLY | {"code": "Timeout", "attrs": {"a b": 1}}),
        wire("reply", REPLY | {"code": "Timeout", "attrs": {"a": 2**64}}),
        wire("reply", REPLY | {"code": "Timeout", "attrs": {f"a{i}": 1 for i in range(17)}}),
        wire("event", {"kind": "x" * 41, "attrs": {}}),
        wire("event", {"kind": "a\nb", "attrs": {}}),
        b'{"type":"event","fields":{"kind":"\\ud800","attrs":{}},"descriptors":[]}',
        b'{"type":"reply","fields":{"id":7,"id":7,"ok":true},"descriptors":[]}',
        b'{"type":"reply","fields":{"id":NaN,"ok":true},"descriptors":[]}',
        b'{"type":"reply","fields":{"id":' + b"9" * 5000 + b',"ok":true},"descriptors":[]}',
        wire("reply", REPLY) + b" " * control.MAX_MESSAGE,
        wire("front", {"front": 65536}),
        wire("hello", {"version": 1, "role": "idle", "fronts": [{"front": 1}], "missing": []}),
        wire("luns", {"luns": [{}], "more": False}),
        b'{"type":' + b"[" * 60000,
        b"[" * control.MAX_MESSAGE,
        wire("reply", REPLY, ["socket"]),
    ],
)
def test_what_is_not_in_the_language_is_refused(data: bytes) -> None:
    with pytest.raises(ControlError):
        control.decode(data, [], FROM_WORKER)


@given(st.binary(max_size=2000))
def test_any_bytes_give_a_message_or_the_one_error(data: bytes) -> None:
    for table in (TO_WORKER, FROM_WORKER):
        try:
            control.decode(data, [], table)
        except ControlError:
            continue


@pytest.mark.parametrize("hostile", ['\\"' * 60_000, '"' + "\\\\" * 60_000, '"' * 120_001, '"\\', '"[["[['])
def test_no_character_is_looked_at_twice_in_the_search_for_strings(hostile: str) -> None:
    """A string that does not end is taken to the end at once, not looked for again from each of its quotes."""
    spans = [match.span() for match in control._STRINGS.finditer(hostile)]
    starts = [hostile.find('"', end) for end in [0, *(end for _, end in spans)]]
    assert starts == [*(start for start, _ in spans), -1]
    with pytest.raises(ControlError):
        control.decode(hostile.encode(), [], TO_WORKER)


_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
_json = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
)


@given(
    st.sampled_from([*TO_WORKER, *FROM_WORKER]),
    _json,
    st.dictionaries(
        st.sampled_from(
            [
                "id",
                "ok",
                "code",
                "attrs",
                "front",
                "lun",
                "kind",
                "config",
                "portal",
                "request",
                "state",
                "values",
                "luns",
                "more",
            ]
        ),
        _json,
    ),
)
def test_any_object_gives_a_message_or_the_one_error(kind: str, odd: object, fields: dict[str, object]) -> None:
    for body in (odd, fields):
        for table in (TO_WORKER, FROM_WORKER):
            try:
                control.decode(json.dumps({"type": kind, "fields": body, "descriptors": []}).encode(), [], table)
            except ControlError:
                continue


def test_the_sender_is_checked_too() -> None:
    with pytest.raises(ControlError):
        control.encode(Message("reply", {"id": 1, "ok": "yes"}), FROM_WORKER)


def test_descriptors_arrive_close_on_exec_and_are_closed_unless_taken() -> None:
    left, right = control.pair()
    ends = pipe_ends()
    with left, right:
        data = control.encode(Message("connection", {"id": 1, "request": 1}, {"socket": ends[0]}), TO_WORKER)
        control.send(left, data, [ends[0]])
        message = control.receive(right, TO_WORKER)
        assert message is not None
        number = message.descriptors["socket"]
        assert not os.get_inheritable(number)
        message.close()
        assert not is_open(number)
    control.close_all(ends)


def test_a_taken_descriptor_stays_open() -> None:
    ends = pipe_ends()
    message = control.decode(wire("connection", {"id": 1, "request": 1}, ["socket"]), [ends[0]], TO_WORKER)
    assert message.take("socket") == ends[0]
    message.close()
    assert is_open(ends[0])
    control.close_all(ends)


@pytest.mark.parametrize(
    "data",
    [
        wire("connection", {"id": 1, "request": 1}),  # one came that is not named
        wire("connection", {"id": 1, "request": 1}, ["device"]),  # another name
        wire("rescan", {"id": 1}, ["socket"]),  # none allowed
        b"garbage",
    ],
)
def test_descriptors_of_a_refused_message_are_closed(data: bytes) -> None:
    left, right = control.pair()
    ends = pipe_ends()
    with left, right:
        before = open_descriptors()
        control.send(left, data, [ends[0]])
        with pytest.raises(ControlError):
            control.receive(right, TO_WORKER)
        assert open_descriptors() == before
    control.close_all(ends)


@pytest.mark.parametrize("count", [5, 12])
def test_too_many_descriptors_are_closed(count: int) -> None:
    left, right = control.pair()
    ends = [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]
    with left, right:
        before = open_descriptors()
        control.send(left, b"{}", ends)
        with pytest.raises(ControlError):
            control.receive(right, TO_WORKER)
        assert open_descriptors() == before
    control.close_all(ends)


def test_a_message_that_is_cut_is_refused() -> None:
    left, right = control.pair()
    with left, right:
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        left.send(b" " * (control.MAX_MESSAGE + 2))
        with pytest.raises(ControlError):
            control.receive(right, TO_WORKER)


def test_the_end_is_none_and_nothing_is_blocking() -> None:
    left, right = control.pair()
    with right:
        with pytest.raises(BlockingIOError):
            control.receive(right, TO_WORKER)
        left.close()
        assert control.receive(right, TO_WORKER) is None


def test_other_ancillary_data_is_no_descriptor() -> None:
    left, right = control.pair()
    with left, right:
        right.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        left.sendmsg([b"{}"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", []))])
        with pytest.raises(ControlError):
            control.receive(right, TO_WORKER)


def test_clean_makes_any_text_sendable() -> None:
    text = control.clean("a\x00b\ud800" + "x" * 600)
    assert len(text) == 500
    control.encode(Message("event", {"kind": "k", "attrs": {"t": text}}), FROM_WORKER)
