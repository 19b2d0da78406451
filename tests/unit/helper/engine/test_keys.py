# SPDX-License-Identifier: Apache-2.0
"""The key table against chapter 13's own words, with unequal values on the two sides."""

from __future__ import annotations

import pytest
from lundock.helper.api import settings as settings_table
from lundock.helper.engine import keys
from lundock.helper.engine.keys import KEYS, Kind, Parameters

#: From chapter 13, key by key: use, scope, default, range, result function, irrelevant in discovery.
CHAPTER_13 = {
    "HeaderDigest": ("IO", "CO", "None", None, "list", False),
    "DataDigest": ("IO", "CO", "None", None, "list", False),
    "MaxConnections": ("LO", "SW", 1, (1, 65535), "Minimum", True),
    "InitialR2T": ("LO", "SW", True, None, "OR", True),
    "ImmediateData": ("LO", "SW", True, None, "AND", True),
    "MaxRecvDataSegmentLength": ("ALL", "CO", 8192, (512, 16777215), "declarative", False),
    "MaxBurstLength": ("LO", "SW", 262144, (512, 16777215), "Minimum", True),
    "FirstBurstLength": ("LO", "SW", 65536, (512, 16777215), "Minimum", True),
    "DefaultTime2Wait": ("LO", "SW", 2, (0, 3600), "Maximum", False),
    "DefaultTime2Retain": ("LO", "SW", 20, (0, 3600), "Minimum", False),
    "MaxOutstandingR2T": ("LO", "SW", 1, (1, 65535), "Minimum", True),
    "DataPDUInOrder": ("LO", "SW", True, None, "OR", True),
    "DataSequenceInOrder": ("LO", "SW", True, None, "OR", True),
    # 7.4.1: not negotiated in a discovery session, though 13.20 does not call it irrelevant there.
    "ErrorRecoveryLevel": ("LO", "SW", 0, (0, 2), "Minimum", True),
    "TaskReporting": ("LO", "SW", "RFC3720", None, "list", True),
}


@pytest.mark.parametrize("name", CHAPTER_13)
def test_row(name: str) -> None:
    use, scope, default, bounds, result, irrelevant = CHAPTER_13[name]
    key = KEYS[name]
    assert (key.use, key.scope, key.default, key.irrelevant_in_discovery) == (use, scope, default, irrelevant)
    if bounds:
        assert (key.low, key.high) == bounds
    assert key.result.value == ("first of the list" if result == "list" else result)


def test_every_key_setting_is_in_the_table() -> None:
    by_key = {s.key: s.name for s in settings_table.table().values() if s.key and not s.key.startswith("CHAP")}
    assert {key.name: key.setting for key in KEYS.values() if key.setting} == by_key


#: The headings of chapter 13, and the keys of 12.1 and 12.1.3.
ALL_KEYS = (
    "HeaderDigest DataDigest MaxConnections SendTargets TargetName InitiatorName TargetAlias InitiatorAlias"
    " TargetAddress TargetPortalGroupTag InitialR2T ImmediateData MaxRecvDataSegmentLength MaxBurstLength"
    " FirstBurstLength DefaultTime2Wait DefaultTime2Retain MaxOutstandingR2T DataPDUInOrder DataSequenceInOrder"
    " ErrorRecoveryLevel SessionType TaskReporting iSCSIProtocolLevel IFMarker OFMarker OFMarkInt IFMarkInt"
    " X#NodeArchitecture AuthMethod CHAP_A CHAP_I CHAP_C CHAP_N CHAP_R"
)


def test_every_key_of_the_protocol_is_a_setting_or_says_why_not() -> None:
    settable = {s.key for s in settings_table.table().values() if s.key}
    assert sorted([*settable, *keys.NOT_SETTINGS]) == sorted(ALL_KEYS.split())
    assert settable | keys.NOT_SETTINGS.keys() >= KEYS.keys() | keys.OBSOLETE
    assert all(len(why) > 20 for why in keys.NOT_SETTINGS.values())


@pytest.mark.parametrize("key", [key for key in KEYS.values() if key.setting], ids=lambda key: key.name)
def test_a_setting_reaches_no_further_than_its_key(key: keys.Key) -> None:
    """What a setting allows now, and what it says comes later, is the key's range; its default is one of the key's."""
    setting = settings_table.table()[key.setting]
    assert setting.rfc == key.rfc
    if key.kind is Kind.NUMBER:
        assert (setting.low, max(setting.high, setting.later_high)) == (key.low, key.high)
    elif key.kind is Kind.LIST:
        assert set(setting.choices) == set(key.choices)
    else:
        assert setting.type == "bool"


def test_parameters_have_the_defaults_of_chapter_13() -> None:
    values = Parameters().as_dict()
    for name, row in CHAPTER_13.items():
        assert values[name] == row[2]


# ---- answers to our offers ---------------------------------------------------------------------------------------

GOOD = [
    # key, ours, the target's answer, result
    ("InitialR2T", False, "No", False),
    ("InitialR2T", False, "Yes", True),
    ("InitialR2T", True, "Yes", True),
    ("ImmediateData", True, "Yes", True),
    ("ImmediateData", True, "No", False),
    ("ImmediateData", False, "No", False),
    ("MaxBurstLength", 65536, "65536", 65536),
    ("MaxBurstLength", 65536, "512", 512),
    ("MaxBurstLength", 65536, "0x8000", 32768),
    ("FirstBurstLength", 65536, "4096", 4096),
    ("DefaultTime2Wait", 2, "5", 5),
    ("DefaultTime2Wait", 7, "7", 7),
    ("DefaultTime2Retain", 30, "20", 20),
    ("DefaultTime2Retain", 30, "0", 0),
    ("MaxOutstandingR2T", 16, "1", 1),
    ("MaxConnections", 1, "1", 1),
    ("DataPDUInOrder", False, "Yes", True),
    ("DataSequenceInOrder", True, "Yes", True),
    ("ErrorRecoveryLevel", 0, "0", 0),
    ("MaxRecvDataSegmentLength", 262144, "16777215", 16777215),
    ("MaxRecvDataSegmentLength", 8192, "512", 512),
    ("HeaderDigest", ("CRC32C", "None"), "None", "None"),
    ("HeaderDigest", ("None", "CRC32C"), "CRC32C", "CRC32C"),
    # 6.2: Reject and Irrelevant leave the default
    ("MaxBurstLength", 65536, "Reject", 262144),
    ("FirstBurstLength", 4096, "Irrelevant", 65536),
    ("DataDigest", ("None", "CRC32C"), "Reject", "None"),
    ("InitialR2T", False, "Irrelevant", True),
    ("TaskReporting", ("ResponseFence", "RFC3720"), "ResponseFence", "ResponseFence"),
    ("TaskReporting", ("ResponseFence", "RFC3720"), "RFC3720", "RFC3720"),
    ("TaskReporting", ("ResponseFence", "RFC3720"), "NotUnderstood", "RFC3720"),  # 4.2.2.3.4: a target of RFC 3720
]


@pytest.mark.parametrize(("name", "ours", "answer", "result"), GOOD)
def test_accept(name: str, ours: settings_table.Value, answer: str, result: object) -> None:
    assert keys.accept(KEYS[name], ours, answer) == result


BAD = [
    ("InitialR2T", True, "No"),  # OR: Yes decides
    ("ImmediateData", False, "Yes"),  # AND: No decides
    ("MaxBurstLength", 65536, "65537"),  # Minimum: not above the offer
    ("MaxBurstLength", 65536, "511"),
    ("DefaultTime2Wait", 5, "4"),  # Maximum: not below the offer
    ("DefaultTime2Wait", 5, "3601"),
    ("DefaultTime2Retain", 5, "6"),
    ("MaxOutstandingR2T", 4, "0"),
    ("MaxConnections", 1, "2"),
    ("ErrorRecoveryLevel", 0, "2"),
    ("DataPDUInOrder", True, "No"),
    ("HeaderDigest", ("None",), "CRC32C"),  # 6.2.1: a value that was not offered
    ("HeaderDigest", ("CRC32C",), "None"),
    ("HeaderDigest", ("CRC32C",), "Reject"),  # none of the choices is acceptable (7.12)
    ("HeaderDigest", ("CRC32C", "None"), "CRC32C,None"),
    ("HeaderDigest", ("CRC32C", "None"), "crc32c"),  # 6.1: case sensitive
    ("MaxRecvDataSegmentLength", 8192, "0"),
    ("MaxRecvDataSegmentLength", 8192, "16777216"),
    ("MaxRecvDataSegmentLength", 8192, "Reject"),
    ("MaxRecvDataSegmentLength", 8192, "Irrelevant"),
    ("MaxBurstLength", 65536, "NotUnderstood"),  # 6.2: no answer to a key of the RFC
    ("HeaderDigest", ("None", "CRC32C"), "NotUnderstood"),
    ("TaskReporting", ("ResponseFence", "RFC3720"), "FastAbort"),  # not offered
    ("InitialR2T", True, "yes"),
    ("InitialR2T", True, ""),
    ("MaxBurstLength", 65536, "-1"),
    ("MaxBurstLength", 65536, "4096.0"),
    ("MaxBurstLength", 65536, "512~4096"),
    ("MaxBurstLength", 65536, "9" * 5000),
    ("MaxBurstLength", 65536, "٤٠٩٦"),  # digits, but not ASCII
]


@pytest.mark.parametrize(("name", "ours", "answer"), BAD)
def test_refuse(name: str, ours: settings_table.Value, answer: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        keys.accept(KEYS[name], ours, answer)
    assert len(str(caught.value)) < 200


# ---- what the target offers --------------------------------------------------------------------------------------

OFFERED = [
    # key, ours, the target's offer, our answer, result
    ("InitialR2T", False, "No", "No", False),
    ("InitialR2T", True, "No", "Yes", True),
    ("ImmediateData", False, "Yes", "No", False),
    ("ImmediateData", True, "Yes", "Yes", True),
    ("MaxBurstLength", 65536, "8192", "8192", 8192),
    ("MaxBurstLength", 65536, "131072", "65536", 65536),
    ("DefaultTime2Wait", 2, "9", "9", 9),
    ("DefaultTime2Wait", 9, "2", "9", 9),
    ("DefaultTime2Retain", 20, "30", "20", 20),
    ("ErrorRecoveryLevel", 0, "2", "0", 0),
    ("MaxRecvDataSegmentLength", 8192, "4096", "", 4096),  # a declaration: not answered
    ("HeaderDigest", ("None", "CRC32C"), "CRC32C,None", "CRC32C", "CRC32C"),  # the target's first that we may use
    ("HeaderDigest", ("None",), "CRC32C,None", "None", "None"),
    ("HeaderDigest", ("None",), "CRC32C", "Reject", "None"),
    ("HeaderDigest", ("CRC32C",), "X-other,CRC32C", "CRC32C", "CRC32C"),
    (
        "TaskReporting",
        ("RFC3720", "ResponseFence"),
        "FastAbort,ResponseFence,RFC3720",
        "ResponseFence",
        "ResponseFence",
    ),
    ("TaskReporting", ("ResponseFence", "RFC3720"), "FastAbort,RFC3720,ResponseFence", "RFC3720", "RFC3720"),
    ("TaskReporting", ("RFC3720", "ResponseFence"), "FastAbort", "Reject", "RFC3720"),
    ("iSCSIProtocolLevel", 1, "2", "1", 1),
    ("iSCSIProtocolLevel", 1, "0", "0", 0),
]


@pytest.mark.parametrize(("name", "ours", "offer", "answer", "result"), OFFERED)
def test_respond(name: str, ours: settings_table.Value, offer: str, answer: str, result: object) -> None:
    assert keys.respond(KEYS[name], ours, offer) == (answer, result)


@pytest.mark.parametrize("offer", ["Reject", "Irrelevant", "NotUnderstood", "maybe", "0", ""])
def test_offers_that_nobody_may_make(offer: str) -> None:
    """6.2: the reserved constants are not to be proposed; values have to be admissible."""
    for name in ("InitialR2T", "MaxBurstLength"):
        with pytest.raises(ValueError, match=r"\w"):
            keys.respond(KEYS[name], keys.our_value(KEYS[name], {}), offer)


def test_offer_of_a_digest_that_will_not_do() -> None:
    with pytest.raises(ValueError, match="will do"):
        keys.respond(KEYS["DataDigest"], ("CRC32C",), "None")


# ---- our offers --------------------------------------------------------------------------------------------------


def test_offers_follow_the_settings() -> None:
    found = keys.offers({"initial_r2t": True, "max_burst_length": 16384}, discovery=False, leading=True)
    assert found["InitialR2T"] is True
    assert found["MaxBurstLength"] == 16384
    assert found["FirstBurstLength"] == 16384  # 13.14: never above MaxBurstLength
    assert found["MaxConnections"] == 1
    assert found["ErrorRecoveryLevel"] == 0
    assert "TaskReporting" not in found  # newer than some targets, and what holds anyway is what is wanted
    assert "iSCSIProtocolLevel" not in found


def test_task_reporting_is_offered_when_something_else_is_wanted_than_what_holds_anyway() -> None:
    """13.23: RFC3720 and ResponseFence at least; not in a discovery session."""
    settings = {"task_reporting": "ResponseFence"}
    found = keys.offers(settings, discovery=False, leading=True)
    assert keys.to_text(found["TaskReporting"]) == "ResponseFence,RFC3720"
    assert "TaskReporting" not in keys.offers(settings, discovery=True, leading=True)


def test_offers_in_discovery() -> None:
    """13: nothing that is irrelevant when SessionType=Discovery."""
    found = keys.offers({}, discovery=True, leading=True)
    assert set(found) == {
        "HeaderDigest",
        "DataDigest",
        "MaxRecvDataSegmentLength",
        "DefaultTime2Wait",
        "DefaultTime2Retain",
    }


def test_to_text() -> None:
    assert [keys.to_text(v) for v in (True, False, 512, "x", ("CRC32C", "None"))] == [
        "Yes",
        "No",
        "512",
        "x",
        "CRC32C,None",
    ]


# ---- results -----------------------------------------------------------------------------------------------------


def test_first_burst_is_held_to_max_burst() -> None:
    """13.14: the integrity rule, where a target's answers break it."""
    found = keys.make_parameters({"MaxBurstLength": 4096, "FirstBurstLength": 65536}, 8192)
    assert (found.max_burst_length, found.first_burst_length) == (4096, 4096)


def test_as_dict() -> None:
    agreed = {"HeaderDigest": "CRC32C", "MaxRecvDataSegmentLength": 4096, "InitialR2T": False, "iSCSIProtocolLevel": 1}
    values = keys.make_parameters(agreed, 131072).as_dict()
    assert (values["HeaderDigest"], values["DataDigest"], values["InitialR2T"]) == ("CRC32C", "None", False)
    assert values["MaxRecvDataSegmentLength"] == 131072
    assert values["TargetMaxRecvDataSegmentLength"] == 4096
    assert all(isinstance(value, bool | int | str) for value in values.values())


def test_sections_exist() -> None:
    """Each row names a section of the form of chapter 13's."""
    assert all(key.rfc.startswith("13.") for key in KEYS.values())
    assert {key.kind for key in KEYS.values()} == {Kind.NUMBER, Kind.BOOLEAN, Kind.LIST}
