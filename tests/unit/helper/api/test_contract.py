# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

import pytest
from lundock.app.model.diagnosis import NAMES
from lundock.app.text import STEPS
from lundock.helper.api import names
from lundock.helper.api.contract import Interface, Key, Method, interfaces, missing_actions, parse_keys, snake


def test_every_method_names_an_action() -> None:
    assert missing_actions() == []


def test_every_method_of_the_service_ends_with_options() -> None:
    for interface in interfaces().values():
        for method in interface.methods.values():
            if (interface.name, method.name) != (names.SECRET_AGENT, "GetSecrets"):
                last = method.inputs[-1]
                assert (last.name, last.signature) == ("options", "a{sv}"), f"{interface.name}.{method.name}"


def test_the_interfaces_are_those_of_names() -> None:
    expected = {names.MANAGER, names.PORTAL, names.TARGET, names.SESSION, names.LUN, names.JOB, names.SECRET_AGENT}
    assert set(interfaces()) == expected


def test_keys_nest() -> None:
    assert parse_keys("name:s portals:aa{sv}(address:s port:q) last:b") == {
        "name": Key("s"),
        "portals": Key("aa{sv}", {"address": Key("s"), "port": Key("q")}),
        "last": Key("b"),
    }
    assert parse_keys("") == {}


@pytest.mark.parametrize("text", ["name", "name:s)", "portals:a{sv}(address:s", "a:s, b:s", "(a:s)"])
def test_keys_of_another_form_are_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse_keys(text)


def test_python_names() -> None:
    assert [snake(n) for n in ("Discover", "GetManagedObjects", "OpenNbd")] == [
        "discover",
        "get_managed_objects",
        "open_nbd",
    ]


@pytest.mark.parametrize(
    ("interface", "name"), [(names.LUN, "Eject"), (names.TARGET, "Logout"), (names.SESSION, "Logout")]
)
def test_force_needs_an_action_of_its_own(interface: str, name: str) -> None:
    method = interfaces()[interface].methods[name]
    assert method.needs(({},)) == method.needs(({"force": False},)) == "connect"
    assert method.needs(({"force": True},)) == "eject-force"


def test_no_other_option_changes_the_action() -> None:
    found = {
        (interface.name, method.name, option)
        for interface in interfaces().values()
        for method in interface.methods.values()
        for option in method.option_actions
    }
    assert found == {
        (names.LUN, "Eject", "force"),
        (names.TARGET, "Logout", "force"),
        (names.SESSION, "Logout", "force"),
        (names.MANAGER, "Discover", "to-save"),  # a stronger right, asked for once instead of two
    }


def test_an_option_s_action_is_checked_as_a_method_s(monkeypatch: pytest.MonkeyPatch) -> None:
    method = Method("Do", "view", (), (), {"force": "no-such-action"})
    monkeypatch.setattr(
        "lundock.helper.api.contract.interfaces", lambda: {"x": Interface("x", {"Do": method}, {}, {}, "")}
    )
    assert missing_actions() == ["x.Do"]


def test_the_steps_of_a_diagnosis_are_those_of_the_contract_and_the_app_knows_them() -> None:
    helper = Path(__file__).parents[4] / "helper"
    sources = (helper / "diagnosis.py").read_text("utf-8")
    stages = "".join((helper / "engine" / name).read_text("utf-8") for name in ("probe.py", "login/traced.py"))
    made = set(re.findall(r'Finding\(\s*"([\w-]+)"', sources))
    made |= set(re.findall(r'_told\("([\w-]+)"', stages)) | set(re.findall(r'\("[\w-]+", "([a-z]+)"\)', stages))
    assert made == set(NAMES)


def test_a_job_s_steps_are_those_of_the_contract_and_the_app_knows_them() -> None:
    helper = Path(__file__).parents[4] / "helper"
    told = re.search(r"Step: (.*?) since:", (helper / "api/interfaces/Job.xml").read_text("utf-8"), re.DOTALL)
    assert told is not None
    contract = set(re.findall(r'"(\w+)"', told[1]))
    sources = "".join(file.read_text("utf-8") for folder in (".", "attach") for file in (helper / folder).glob("*.py"))
    done = set(re.findall(r'(?:step|told)\((?:job, )?"(\w+)"\)', sources))
    assert done == contract == set(STEPS)
