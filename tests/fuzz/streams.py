# SPDX-License-Identifier: Apache-2.0
"""PDU framing, text, login, discovery."""

from __future__ import annotations

from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import Value
from lundock.helper.engine import chap, keys, pdu, text
from lundock.helper.engine.discovery import Discovery
from lundock.helper.engine.framing import PduReader, assemble, digest
from lundock.helper.engine.login import ChapSecrets, Login, LoginConfig, Secret, status
from lundock.helper.engine.login.security import SECURITY_KEYS, Chap
from lundock.helper.engine.names import Portal

from .harness import Pieces, Target, codes, cut, first_bytes, named

INITIATOR = "iqn.2026-01.io.github.lundock.fuzz:initiator"
TARGET = "iqn.2026-01.io.github.lundock.fuzz:target"
SECRETS = ("secret-of-alice", "secret-of-target")

WORDS = (
    *keys.KEYS,
    *sorted(SECURITY_KEYS | keys.OBSOLETE | keys.ANY_STAGE | keys.INITIATOR_ONLY),
    "Yes", "No", "None", "CRC32C", "CHAP", "CHAP_A=7", "CHAP_A=5", "CHAP_I=1", "CHAP_C=0x", "CHAP_R=0b",
    "NotUnderstood", "Irrelevant", "Reject", "=", "\0", ",", "0x", "0b", "262144",
)  # fmt: skip


def random(length: int) -> bytes:
    """Stand in for the random source, so that recorded answers fit."""
    return bytes((i * 37 + 1) & 0xFF for i in range(length))


def with_digests(stream: bytes, *, header: bool, data: bool, ahs: int = 0) -> bytes:
    """Put right digests into a stream of PDUs without: no fuzzer guesses them."""
    out = bytearray()
    while len(stream) >= pdu.BHS_SIZE:
        ahs_end = pdu.BHS_SIZE + min(stream[4] * 4, ahs)
        end = ahs_end + pdu.padded(int.from_bytes(stream[5:8], "big"))
        out += stream[:ahs_end]
        if header and ahs_end <= len(stream):
            out += digest(stream[:ahs_end])
        out += stream[ahs_end:end]
        if data and ahs_end < end <= len(stream):
            out += digest(stream[ahs_end:end])
        stream = stream[end:]
    return bytes(out) + stream


# ---- framing -----------------------------------------------------------------------------------------------------

_HEADER, _DATA, _RAW, _AHS = 1, 2, 4, 8
_SIZES = (512, 8192, 65536, 0)


def framing(pieces: Pieces) -> object:
    """First byte: digests, whether they are put right, additional headers, the largest data segment."""
    head, pieces = first_bytes(pieces, 1)
    flags = head[0]
    header, data, max_ahs = bool(flags & _HEADER), bool(flags & _DATA), 1020 if flags & _AHS else 0
    max_data = _SIZES[flags >> 6]
    if not flags & _RAW:
        size = max(map(len, pieces), default=0)
        pieces = cut(with_digests(b"".join(pieces), header=header, data=data, ahs=max_ahs), size)
    reader = PduReader(max_data, max_ahs=max_ahs, header_digest=header, data_digest=data)
    found: list[object] = []
    try:
        for piece in pieces:
            reader.feed(piece)
            while (one := reader.next()) is not None:
                found.append(_parsed(*one))
            rest = reader.take_rest()
            assert len(rest) < pdu.BHS_SIZE + max_ahs + 4 + max_data + 8, "more is kept than one PDU"
            reader.feed(rest)
    except Problem as problem:
        return found, named(problem, ("ProtocolError", "DigestError"))
    return found, reader.take_rest()


def _parsed(header: bytes, data: bytes) -> object:
    try:
        parsed = pdu.parse(header)
        assert parsed.data_length == len(data)
        sense = pdu.split_sense(data) if isinstance(parsed, pdu.ScsiResponse | pdu.AsyncMessage) else None
    except Problem as problem:
        return header, data, named(problem, ("ProtocolError",))
    assert assemble(header, data).startswith(header + data)
    return parsed, data, sense


# ---- text --------------------------------------------------------------------------------------------------------


def texts(data: bytes) -> object:
    pairs = text.decode(data)
    assert text.decode(text.encode(pairs)) == pairs
    assert len(pairs) <= text.MAX_PAIRS
    return [_value(value) for _, value in pairs]


def _value(value: str) -> object:
    found: list[object] = []
    for read in (text.number, lambda one: text.decode_binary(one, chap.MAX_BINARY)):
        try:
            found.append(read(value))
        except ValueError:
            found.append(None)
    number, binary = found
    assert number is None or 0 <= number < 2**64
    assert binary is None or len(binary) <= chap.MAX_BINARY
    return found


def key_values(data: bytes) -> None:
    """First byte: our settings. Every pair as an answer, and as an offer."""
    flags = data[0] if data else 0
    offers = keys.offers(_settings(flags), discovery=bool(flags & 4), leading=bool(flags & 8))
    agreed: dict[str, keys.Agreed] = {}
    for name, value in text.decode(data[1:]):
        key = keys.KEYS.get(name)
        if key is None:
            continue
        if name in offers:
            _agree(agreed, key, lambda key=key, value=value: keys.accept(key, offers[key.name], value))
        else:
            ours = keys.our_value(key, _settings(flags))
            _agree(agreed, key, lambda key=key, ours=ours, value=value: keys.respond(key, ours, value)[1])
    parameters = keys.make_parameters(agreed, 8192)
    assert parameters.first_burst_length <= parameters.max_burst_length
    assert 512 <= parameters.max_send < 2**24
    assert parameters.error_recovery_level == 0
    assert parameters.max_connections == 1
    parameters.as_dict()


def _agree(agreed: dict[str, keys.Agreed], key: keys.Key, call: object) -> None:
    try:
        value = call()  # type: ignore[operator]
    except ValueError:
        return
    if key.kind is keys.Kind.NUMBER:
        assert key.low <= value <= key.high
    if key.kind is keys.Kind.LIST:
        assert value in key.choices
    agreed[key.name] = value


# ---- login and discovery -----------------------------------------------------------------------------------------

_SIGN_IN = ("none", "chap", "mutual", "mutual")
_STAGES = ((0, 1, 3), (0, 3), (1, 3), (0, 1, 3))


def _settings(flags: int) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if flags & 16:
        found |= {"header_digest": ("CRC32C", "None"), "data_digest": ("CRC32C",)}
    if flags & 32:
        found |= {"initial_r2t": True, "immediate_data": False, "max_burst_length": 512, "default_time2wait": 60}
    if flags & 64:
        found |= {"chap_algorithms": ("MD5",)}
    return found


def config(flags: int) -> LoginConfig:
    """Bits 0 and 1: signing in; 2 and 3: stages; then settings; the last one: a portal group was told."""
    sign_in = _SIGN_IN[flags & 3]
    return LoginConfig(
        initiator_name=INITIATOR,
        target_name=TARGET,
        settings=_settings(flags),
        sign_in=sign_in,
        chap_name="alice",
        target_chap_name="storage" if flags & 128 else "",
        secrets=None if sign_in == "none" else ChapSecrets(*map(Secret, SECRETS)),
        stages=_STAGES[flags >> 2 & 3] if sign_in == "none" else (0, 1, 3),
        portal_group=1 if flags & 128 else -1,
        address="192.0.2.5",
        portal=Portal("192.0.2.5", 3260),
    )


def login(pieces: Pieces) -> object:
    head, pieces = first_bytes(pieces, 1)
    chap._sent.clear()
    return _drive(Login(config(head[0]), 0.0, random=random), pieces)


def discovery(pieces: Pieces) -> object:
    head, pieces = first_bytes(pieces, 1)
    chap._sent.clear()
    return _drive(Discovery(config(head[0]), 0.0, random=random), pieces)


def _drive(machine: Login | Discovery, pieces: list[bytes]) -> object:
    out = machine.to_send()
    problem = None
    unused = b""
    try:
        for piece in pieces:
            if machine.done:
                unused += piece
            else:
                machine.feed(piece, 0.0)
                assert machine.done or machine.next_deadline() is not None
            out += machine.to_send()
        machine.eof(0.0)
    except Problem as caught:
        problem = named(caught, LOGIN_CODES)
        out += machine.to_send()
    for secret in SECRETS:
        assert secret.encode() not in out
        assert secret not in repr(problem)
    assert machine.done or problem is not None
    return machine.done, problem, out, machine.redirect, *_results(machine, unused)


def _results(machine: Login | Discovery, unused: bytes) -> tuple[object, ...]:
    if isinstance(machine, Discovery):
        return (machine.targets,)
    result = machine.result
    if result is None:
        return ()
    assert machine.config.sign_in == "none" or machine._security._proved  # type: ignore[union-attr]
    return result.parameters, result.tsih, result.exp_stat_sn, result.target_alias, result.leftover + unused


def chap_values(data: bytes) -> None:
    """Steps of the CHAP exchange: texts with two nulls between them. First byte: mutual, T of each step."""
    flags = data[0] if data else 0
    chap._sent.clear()
    machine = Chap(config(1 + (flags & 1) | (flags & 0xF0)), random)
    machine.start()
    for at, part in enumerate(data[1:].split(b"\0\0")[:7]):
        step = machine.answer(dict(text.decode(part + b"\0" if part else b"")), transit=bool(flags >> at & 2))
        for secret in SECRETS:
            assert secret not in repr(step)
    machine.finish()
    assert machine._sent_response


#: Each of the statuses of 11.13.5, and what the machines find by themselves.
LOGIN_CODES = frozenset(status.CODES.values()) | codes(
    "ProtocolError", "NotIscsi", "ConnectionLost", "NegotiationFailed", "TextTooLong", "AuthenticationRequired",
    "AuthenticationMethodRefused", "TargetNotAuthenticated", "UnknownLoginStatus", "DigestError",
)  # fmt: skip

TARGETS = (
    Target("framing", play=framing, words=(b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\0\0\0"), memory=1 << 20),
    Target("text", run=texts, errors=(ValueError,), words=WORDS, memory=1 << 20),
    Target("keys", run=key_values, errors=(ValueError,), words=WORDS, memory=1 << 20),
    Target("login", play=login, words=WORDS, longest=4096, memory=1 << 20),
    Target(
        "discovery", play=discovery, words=(*WORDS, TARGET, "TargetAddress=", ":3260,1"), longest=4096, memory=1 << 20,
    ),
    Target(
        "chap", run=chap_values, errors=(ValueError,), words=WORDS, memory=1 << 20,
        codes=codes("NegotiationFailed", "AuthenticationMethodRefused", "TargetNotAuthenticated", "ProtocolError"),
    ),
)  # fmt: skip
