# SPDX-License-Identifier: Apache-2.0
"""The service on a system bus with a real polkitd: who may call what, as made-up users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lundock.helper.api import names
from support import procs, raised
from support.system import NOBODY_LOOKS, SystemHelper, as_user, rules, system_helper


@pytest.fixture
def system(tmp_path: Path) -> Iterator[SystemHelper]:
    with system_helper(tmp_path, rules("configure") + NOBODY_LOOKS) as helper:
        yield helper


def _portals(port: int = 3260) -> list[dict[str, Any]]:
    return [{"address": "127.0.0.1", "port": port}]


def test_reading_is_for_all_unless_the_administrator_says_no(system: SystemHelper) -> None:
    assert system.call("bob", "", interface="managed")["value"] == [names.ROOT_PATH]
    assert system.error("bob", "GetEvents", 0, {}) == ""
    assert system.error("carol", "", interface="managed") == "NotAuthorized"
    assert system.error("carol", "GetEvents", 0, {}) == "NotAuthorized"


def test_the_three_ways_of_not_being_authorized(system: SystemHelper) -> None:
    # nobody could ask bob for a password: it could be had, by a program that can ask
    assert system.error("bob", "Discover", "127.0.0.1:1", {}) == "NotAuthorizedCanObtain"
    assert system.error("bob", "Discover", "127.0.0.1:1", {}, interactive=True) == "NotAuthorizedCanObtain"
    assert system.error("bob", "AddTarget", "iqn.2026-01.org.example:x", _portals(), {}) == "NotAuthorizedCanObtain"
    assert system.call("root", "", interface="managed")["value"] == [names.ROOT_PATH]
    # configure implies discover
    assert "value" in system.call("alice", "Discover", "127.0.0.1:1", {})


def test_who_looks_in_order_to_save_needs_the_right_to_save(system: SystemHelper) -> None:
    system.bus.set_rules(rules("discover"))
    assert system.error("alice", "Discover", "127.0.0.1:1", {}) == ""
    assert system.error("alice", "Discover", "127.0.0.1:1", {"to-save": True}) == "NotAuthorizedCanObtain"
    system.bus.set_rules(rules("configure"))
    assert system.error("alice", "Discover", "127.0.0.1:1", {"to-save": True}) == ""


def test_what_is_wrong_is_said_before_anybody_is_asked(system: SystemHelper) -> None:
    assert system.error("bob", "Discover", "127.0.0.1:1", {"colour": "red"}) == "InvalidArgument"


def test_nothing_happens_without_authorization(system: SystemHelper) -> None:
    assert system.error("bob", "SetInitiatorName", "iqn.2026-01.org.example:evil", {}) == "NotAuthorizedCanObtain"
    log = system.log_path.read_text("utf-8")
    assert "evil" not in log
    assert "value" in system.call("alice", "SetInitiatorName", "iqn.2026-01.org.example:alice", {})


def test_ones_own_target_is_another_action(system: SystemHelper) -> None:
    name = "iqn.2026-01.org.example:own"
    target = system.call("alice", "AddTarget", name, _portals(procs.free_port()), {})["value"]
    system.bus.set_rules(rules("connect-own"))
    login = {"path": target, "interface": names.TARGET}
    assert "value" in system.call("alice", "Login", {}, **login)
    assert system.error("bob", "Login", {}, **login) == "NotAuthorizedCanObtain"
    assert system.error("alice", "Remove", {}, **login) == "NotAuthorizedCanObtain"
    # connecting all is no more than that: another's is not one's own
    system.bus.set_rules(rules("connect"))
    assert system.error("alice", "Login", {}, **login) == "NotAuthorizedCanObtain"


def test_at_ones_own_seat_ones_own_target_asks_nothing(system: SystemHelper) -> None:
    name = "iqn.2026-01.org.example:seat"
    target = system.call("alice", "AddTarget", name, _portals(procs.free_port()), {})["value"]
    system.bus.set_rules("// only what the package says\n")
    login = {"path": target, "interface": names.TARGET}

    def error(user: str, **session: bool) -> str:
        with system.bus.logged_in(user, **session) as group:
            return system.error(user, "Login", {}, group=group, **login)

    assert error("alice") == ""
    assert error("alice", active=False) == "NotAuthorizedCanObtain"
    assert error("alice", remote=True) == "NotAuthorizedCanObtain"
    assert error("bob") == "NotAuthorizedCanObtain"
    assert system.error("alice", "Login", {}, **login) == "NotAuthorizedCanObtain"  # in no session


def test_force_is_another_action_even_for_ones_own(system: SystemHelper) -> None:
    name = "iqn.2026-01.org.example:forced"
    target = system.call("alice", "AddTarget", name, _portals(procs.free_port()), {})["value"]
    logout = {"path": target, "interface": names.TARGET}
    system.bus.set_rules(rules("connect-own"))
    assert system.error("alice", "Logout", {"force": True}, **logout) == "NotAuthorizedCanObtain"
    assert "value" in system.call("alice", "Logout", {"force": False}, **logout)
    system.bus.set_rules(rules("eject-force"))
    assert "value" in system.call("alice", "Logout", {"force": True}, **logout)
    assert system.error("alice", "Logout", {}, **logout) == "NotAuthorizedCanObtain"


def test_anothers_job_is_not_for_cancelling(system: SystemHelper) -> None:
    job = system.call("alice", "Discover", "127.0.0.1:1", {})["value"]
    how = {"path": job, "interface": names.JOB}
    assert system.error("bob", "Cancel", {}, **how) == "NotAuthorizedCanObtain"
    assert system.error("alice", "Cancel", {}, **how) == ""
    assert system.error("root", "Cancel", {}, **how) == ""


def test_without_polkit_only_root_may(system: SystemHelper) -> None:
    system.bus.stop_polkit()
    assert system.error("alice", "GetEvents", 0, {}) == "NotAuthorized"
    assert system.error("root", "GetEvents", 0, {}) == ""


def test_nobody_else_can_be_the_service(system: SystemHelper) -> None:
    code = """
async def main():
    connection = await Connection.open(sys.argv[1])
    try:
        await connection.request_name("io.github.lundock.Initiator1")
    except BusError as error:
        print(error.name)
run(main)
"""
    for user in ("alice", "bob"):
        found = as_user(user, code, system.bus.address)
        assert found.strip() == "org.freedesktop.DBus.Error.AccessDenied"


AGENT = """
class Agent:
    asked = 0
    async def get_secrets(self, call, target, scope, hints):
        Agent.asked += 1
        raise Problem("Cancelled")
    async def cancel_get_secrets(self, call, target, scope, options):
        pass

async def main():
    connection, other = await Connection.open(sys.argv[1]), await Connection.open(sys.argv[1])
    ObjectServer(connection).add("/agent", {names.SECRET_AGENT: Agent()})
    try:
        await other.call_raw(
            connection.unique_name, "/agent", names.SECRET_AGENT, "GetSecrets", "osa{sv}", ("/", "session", {}))
    except BusError as error:
        print(error.name)
    other.close()
    await connection.call(names.ROOT_PATH, names.MANAGER, "RegisterSecretAgent", ObjectPath("/agent"), {})
    target = await connection.call(
        names.ROOT_PATH, names.MANAGER, "AddTarget", "iqn.2026-01.org.example:a", [{"address": "127.0.0.1"}],
        {"sign-in": "chap"})
    job = await connection.call(target, names.TARGET, "Login", {})
    while not (found := await connection.get_all(job, names.JOB))["Finished"]:
        await asyncio.sleep(0.05)
    print(json.dumps([Agent.asked, found["Error"]]))
    connection.close()
run(main)
"""


def test_the_bus_lets_the_service_ask_an_agent_and_nobody_else(system: SystemHelper) -> None:
    system.bus.set_rules(rules("configure", "connect-own"))
    found = as_user("alice", AGENT, system.bus.address)
    refused, answer = found.splitlines()
    assert refused == "org.freedesktop.DBus.Error.AccessDenied"
    assert json.loads(answer) == [1, "io.github.lundock.Initiator1.Error.Cancelled"]


DISMISSER = """
async def main():
    connection = await Connection.open(sys.argv[1])
    begun = []
    async def handle(incoming):
        begun.append((incoming.member, incoming.decode()[1]))
        raise BusError("org.freedesktop.PolicyKit1.Error.Cancelled", "no")
    connection.serve(handle)
    started = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19])
    subject = ("unix-process", {"pid": Typed("u", os.getpid()), "start-time": Typed("t", started)})
    await connection.call_raw(
        "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
        "RegisterAuthenticationAgent", "(sa{sv})ss", (subject, "C", "/agent"))
    try:
        await connection.call(*sys.argv[2:5], *json.loads(sys.argv[5]), interactive=True, timeout=30)
    except Problem as problem:
        print(json.dumps([problem.code, *begun]))
    connection.close()
run(main)
"""


def test_the_person_may_close_the_question(system: SystemHelper) -> None:
    options = {"alias": "backup"}
    target = system.call("alice", "AddTarget", "iqn.2026-01.org.example:x", _portals(), options)["value"]
    for call, asked in (
        (
            (names.ROOT_PATH, names.MANAGER, "Discover", '["nas.example:3260", {}]'),
            "look for disks at nas.example:3260",
        ),
        (
            (target, names.TARGET, "Login", "[{}]"),
            "connect, attach or eject the disks of “backup” at 127.0.0.1",
        ),
    ):
        found = json.loads(as_user("bob", DISMISSER, system.bus.address, *call))
        raised.told(found[0])
        assert found == ["NotAuthorizedDismissed", ["BeginAuthentication", f"Authentication is required to {asked}"]]


EXAMPLE = Path(__file__).parents[2] / "polkit" / "50-lundock.rules.example"


def test_the_example_of_rules_lets_a_group_connect(system: SystemHelper) -> None:
    target = system.call("alice", "AddTarget", "iqn.2026-01.org.example:r", _portals(procs.free_port()), {})["value"]
    system.bus.set_rules(EXAMPLE.read_text("utf-8"))
    for user, expected in (("alice", ""), ("bob", "NotAuthorizedCanObtain")):
        assert system.error(user, "Discover", "127.0.0.1:1", {}) == expected
        assert system.error(user, "Login", {}, path=target, interface=names.TARGET) == expected
        # saving and changing stays with administrators
        assert system.error(user, "Remove", {}, path=target, interface=names.TARGET) == "NotAuthorizedCanObtain"


LEAVER = """
async def main():
    agent, caller = await Connection.open(sys.argv[1]), await Connection.open(sys.argv[1])
    asked, taken_back = asyncio.Event(), asyncio.Event()
    async def handle(incoming):
        if incoming.member == "CancelAuthentication":
            taken_back.set()
            return Reply()
        asked.set()
        await asyncio.Event().wait()
    agent.serve(handle)
    started = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19])
    subject = ("unix-process", {"pid": Typed("u", os.getpid()), "start-time": Typed("t", started)})
    await agent.call_raw(
        "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
        "RegisterAuthenticationAgent", "(sa{sv})ss", (subject, "C", "/agent"))
    call = asyncio.ensure_future(
        caller.call(names.ROOT_PATH, names.MANAGER, "Discover", "nas.example", {}, interactive=True, timeout=60))
    await asked.wait()
    caller.close()
    async with asyncio.timeout(30):
        await taken_back.wait()
    try:
        await call
    except Problem as problem:
        print(problem.code)
    agent.close()
run(main)
"""


def test_who_leaves_is_asked_no_more(system: SystemHelper) -> None:
    assert as_user("bob", LEAVER, system.bus.address).strip() == "HelperUnavailable"
    assert "job" not in system.log_path.read_text("utf-8")
